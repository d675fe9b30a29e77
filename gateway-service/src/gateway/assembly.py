"""From what was opened to the services of a gateway. Nothing is opened here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from gateway.auth import Authenticator
from gateway.input_policy import InputPolicy, ProhibitedTerms
from gateway.model_views import Terms
from gateway.parts import Access, Gateway, Opened, Operations, Webhooks
from gateway.services.account_import import AccountImports
from gateway.services.accounts import AccountService
from gateway.services.answers import AnswerService
from gateway.services.assets import AssetService
from gateway.services.audit import AuditService
from gateway.services.batches import BatchService
from gateway.services.building import JobBuilder
from gateway.services.bulk import BulkService
from gateway.services.completion import Completion
from gateway.services.direct_uploads import DirectUploads
from gateway.services.estimates import EstimateService
from gateway.services.events import EventStreams
from gateway.services.export import BatchExport
from gateway.services.failed_logins import FailedLogins
from gateway.services.fetches import FetchService
from gateway.services.forecasts import ForecastService
from gateway.services.idempotency import KeyedRequests
from gateway.services.inputs import InputChecker
from gateway.services.jobs import JobService
from gateway.services.keys import KeyService
from gateway.services.ledger import LedgerService
from gateway.services.luma_feed import LumaFeed
from gateway.services.luna import LunaService
from gateway.services.model_pages import ModelPages
from gateway.services.models import Catalogue
from gateway.services.oauth import OAuthService
from gateway.services.overview import OverviewService
from gateway.services.own_account import OwnAccountService
from gateway.services.probe import ProbeService
from gateway.services.provider_calls import ProviderCallService
from gateway.services.purses import Purses
from gateway.services.queue import QueueService
from gateway.services.rates import RateLimits
from gateway.services.removal import RemovalService
from gateway.services.scaling import ScalingService
from gateway.services.series import SeriesService
from gateway.services.simulation import SimulationService
from gateway.services.stored_check import StoredCheck
from gateway.services.tickets import TicketService
from gateway.services.upload_terms import UploadTerms
from gateway.services.uploads import UploadService
from gateway.services.usage import UsageService
from gateway.services.waiting import Waiting
from gateway.services.webhooks.endpoints import WebhookService
from gateway.services.webhooks.herald import Herald
from gateway.services.webhooks.hooks import Hooks
from gateway.services.webhooks.secrets import Secrets
from gateway.services.webhooks.sender import DEADLINE_SECONDS, Sender
from gateway.services.workers import WorkerService
from gateway.settings import GatewaySettings
from gateway.signing import Signer
from gateway.tokens import TokenVerifier
from reelwork.engine.cache import ResultCache
from reelwork.engine.erase import Eraser
from reelwork.fetch import Fetcher
from reelwork.runtime.health import Probe
from reelwork.store.client import DatabaseClock, ping
from reelwork.store.stores import Stores


def assemble(settings: GatewaySettings, opened: Opened, closing: Callable[[], bool]) -> Gateway:
    """The services over what was opened. `closing`: true once the server is shutting down."""
    engine, objects, opener, stores = opened.engine, opened.objects, opened.opener, opened.engine.stores
    catalogue = Catalogue(stores.models, settings.pricings(), settings.house_rules())
    eraser, forecasts = Eraser(stores, objects), ForecastService(stores)
    assets = AssetService(stores, objects, link_life=settings.link_life)
    hooks = Hooks(stores.webhooks, _sending(settings))
    builder = _builder(settings, catalogue, stores, opened.clock, hooks)
    authenticator, purses = _authenticator(opened), Purses(opened.reservations, engine.rules.plans)
    own_account, uploads = OwnAccountService(stores, authenticator, engine.rules.plans), _uploads(settings, opened)
    completion = _completion(settings, opened, uploads)
    jobs = JobService(engine, opened.intake, opener, builder, purses=purses, short=opened.short)
    waiting = Waiting(stores.jobs, engine.broker, per_account=settings.streams_per_account, closing=closing)
    access, operations = _access(settings, opened, authenticator), _operations(opened, authenticator, catalogue, jobs)
    answers, series = AnswerService(catalogue, jobs, waiting, assets), SeriesService(stores.series, opened.clock)
    return Gateway(
        settings=settings,
        access=access,
        operations=operations,
        own_account=own_account,
        imports=AccountImports(stores.series, own_account, opened.clock),
        catalogue=catalogue,
        model_pages=_model_pages(settings, catalogue, stores),
        jobs=jobs,
        batches=BatchService(engine, opener, eraser, builder=builder, purses=purses, hooks=hooks),
        bulk=BulkService(engine, opener, eraser, purses),
        exports=BatchExport(stores, assets),
        uploads=uploads,
        direct=_direct(settings, opened, completion),
        completion=completion,
        fetches=_fetches(settings, uploads, stores),
        assets=assets,
        removal=RemovalService(engine, eraser, assets),
        streams=_streams(settings, opened, closing),
        waiting=waiting,
        answers=answers,
        luna=LunaService(jobs, series, answers),
        luma_feed=_luma_feed(settings, access, operations, closing),
        keyed=KeyedRequests(stores.idempotency),
        queues=QueueService(engine, opener),
        forecasts=forecasts,
        estimates=EstimateService(stores, builder, forecasts, funds=purses),
        ledger=LedgerService(stores, opened.clock, engine.rules.plans, engine.pools),
        usage=UsageService(stores, opened.usage),
        webhooks=_webhooks(settings, opened, hooks),
        meter=opened.meter,
        provider_calls=ProviderCallService(engine),
        series=series,
        probes=_probes(settings, opened),
    )


def _luma_feed(
    settings: GatewaySettings, access: Access, operations: Operations, closing: Callable[[], bool]
) -> LumaFeed:
    return LumaFeed(operations.overview, access.rates, life_seconds=settings.stream_seconds, closing=closing)


def _probes(settings: GatewaySettings, opened: Opened) -> dict[str, Probe]:
    """Whoever is asked whether we are well."""
    engine = opened.engine
    return {
        "mongodb": lambda: ping(engine.stores.database),
        "broker": engine.broker.ping,
        "s3": opened.objects.ping,
        **({"limiter": opened.limiter.ping} if settings.redis_url is not None else {}),
    }


def _streams(settings: GatewaySettings, opened: Opened, closing: Callable[[], bool]) -> EventStreams:
    return EventStreams(
        opened.engine.stores.jobs,
        opened.engine.broker,
        life_seconds=settings.stream_seconds,
        per_account=settings.streams_per_account,
        closing=closing,
    )


def _access(settings: GatewaySettings, opened: Opened, authenticator: Authenticator) -> Access:
    stores = opened.engine.stores
    rates = RateLimits(opened.limiter, stores.directory, settings.plans(), shared=settings.redis_url is not None)
    return Access(
        authenticator=authenticator,
        rates=rates,
        failed_logins=FailedLogins(opened.limiter, per_minute=settings.failed_logins_per_minute),
        keys=KeyService(stores, authenticator, opened.clock),
        oauth=OAuthService(authenticator, _signer(settings, stores), stores.signing_keys, opened.clock, rates),
        tickets=TicketService(stores.stream_tickets, authenticator),
        audit=AuditService(stores.audit),
    )


def _operations(opened: Opened, authenticator: Authenticator, catalogue: Catalogue, jobs: JobService) -> Operations:
    engine = opened.engine
    stores, broker = engine.stores, engine.broker
    overview = OverviewService(engine)
    return Operations(
        workers=WorkerService(stores),
        accounts=AccountService(engine, authenticator),
        overview=overview,
        scaling=ScalingService(stores, overview),
        simulation=SimulationService(engine, catalogue, jobs),
        probe=ProbeService(stores.workers, broker),
    )


def _model_pages(settings: GatewaySettings, catalogue: Catalogue, stores: Stores) -> ModelPages:
    terms = Terms(plans=settings.plans(), upload_limit_bytes=settings.upload_limit_bytes)
    return ModelPages(catalogue, stores.statistics, terms)


def _uploads(settings: GatewaySettings, opened: Opened) -> UploadService:
    return UploadService(
        opened.engine.stores.assets,
        opened.objects,
        opened.sweeper,
        limit_bytes=settings.upload_limit_bytes,
        limit_pixels=settings.pixel_limit,
    )


def _completion(settings: GatewaySettings, opened: Opened, uploads: UploadService) -> Completion:
    check = StoredCheck(opened.objects, decoders=uploads.decoders, limit_pixels=settings.pixel_limit)
    return Completion(opened.engine.stores, opened.objects, opened.sweeper, check)


def _direct(settings: GatewaySettings, opened: Opened, completion: Completion) -> DirectUploads:
    terms = UploadTerms(
        limit_bytes=settings.direct_upload_limit_bytes,
        picture_limit_bytes=settings.upload_limit_bytes,
        multipart_bytes=settings.multipart_bytes,
        part_bytes=settings.part_bytes,
        life=timedelta(seconds=settings.upload_seconds),
        per_account=settings.uploads_per_account,
    )
    stores = opened.engine.stores
    return DirectUploads(stores, opened.objects, opened.sweeper, completion, clock=opened.clock, terms=terms)


def _fetches(settings: GatewaySettings, uploads: UploadService, stores: Stores) -> FetchService:
    return FetchService(
        Fetcher(settings.fetching()),
        uploads,
        stores.assets,
        limit_bytes=settings.upload_limit_bytes,
        at_once=settings.fetches_at_once,
    )


def _sending(settings: GatewaySettings) -> Fetcher:
    """For webhooks: by the rules of fetching, within the time that a receiver has."""
    return Fetcher(replace(settings.fetching(), seconds=DEADLINE_SECONDS, quiet_seconds=DEADLINE_SECONDS))


def _webhooks(settings: GatewaySettings, opened: Opened, hooks: Hooks) -> Webhooks:
    stores, clock = opened.engine.stores, opened.clock
    secret = settings.signing_secret
    secrets = Secrets(secret.get_secret_value() if secret is not None else None)
    sender = Sender(stores, _sending(settings), secrets, clock, at_once=settings.webhooks_at_once)
    return Webhooks(
        endpoints=WebhookService(stores, hooks, secrets, clock, sender.wake),
        herald=Herald(stores, sender.wake),
        sender=sender,
    )


def _builder(
    settings: GatewaySettings, catalogue: Catalogue, stores: Stores, clock: DatabaseClock, hooks: Hooks
) -> JobBuilder:
    return JobBuilder(
        catalogue,
        InputChecker(stores, _policies(settings)),
        clock,
        ResultCache(stores),
        hooks,
        max_attempts=settings.max_attempts,
        retention_seconds=settings.retention_seconds,
        plans=settings.plans(),
    )


def _policies(settings: GatewaySettings) -> list[InputPolicy]:
    terms = settings.prohibited_terms
    return [*([ProhibitedTerms(terms)] if terms else []), *settings.input_policies]


def _authenticator(opened: Opened) -> Authenticator:
    stores = opened.engine.stores
    return Authenticator(
        stores.accounts, opened.clock, TokenVerifier(stores.signing_keys, opened.clock), opened.last_use
    )


def _signer(settings: GatewaySettings, stores: Stores) -> Signer:
    secret = settings.signing_secret
    return Signer(stores.signing_keys, secret.get_secret_value() if secret is not None else None)
