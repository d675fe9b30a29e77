"""What a gateway is made of."""

from dataclasses import dataclass

from gateway.auth import Authenticator
from gateway.last_use import LastUse
from gateway.services.account_import import AccountImports
from gateway.services.accounts import AccountService
from gateway.services.answers import AnswerService
from gateway.services.assets import AssetService
from gateway.services.audit import AuditService
from gateway.services.batches import BatchService
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
from gateway.services.queue import QueueService
from gateway.services.rates import RateLimits
from gateway.services.removal import RemovalService
from gateway.services.scaling import ScalingService
from gateway.services.series import SeriesService
from gateway.services.short_jobs import ShortJobs
from gateway.services.simulation import SimulationService
from gateway.services.tickets import TicketService
from gateway.services.uploads import UploadService
from gateway.services.usage import UsageService
from gateway.services.waiting import Waiting
from gateway.services.webhooks.endpoints import WebhookService
from gateway.services.webhooks.herald import Herald
from gateway.services.webhooks.sender import Sender
from gateway.services.workers import WorkerService
from gateway.settings import GatewaySettings
from reelwork.counters.limiter import Limiter
from reelwork.engine.engine import Engine
from reelwork.engine.intake import Intake
from reelwork.engine.reserving import Reservations
from reelwork.engine.submit import LaneOpener
from reelwork.engine.sweep import Sweeper
from reelwork.engine.usage.sync import UsageMeter, UsageSync
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.health import Probe
from reelwork.store.client import DatabaseClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may come in, how often, and with what keys."""

    authenticator: Authenticator
    rates: RateLimits
    failed_logins: FailedLogins
    keys: KeyService
    oauth: OAuthService
    tickets: TicketService
    audit: AuditService


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What those who run the installation look at and turn."""

    workers: WorkerService
    accounts: AccountService
    overview: OverviewService
    scaling: ScalingService
    simulation: SimulationService
    probe: ProbeService


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """`endpoints` is what owners see of them; `herald` and `sender` run beside the requests."""

    endpoints: WebhookService
    herald: Herald
    sender: Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that routes may ask for."""

    settings: GatewaySettings
    access: Access
    operations: Operations
    own_account: OwnAccountService
    imports: AccountImports
    catalogue: Catalogue
    model_pages: ModelPages
    jobs: JobService
    batches: BatchService
    bulk: BulkService
    exports: BatchExport
    uploads: UploadService
    direct: DirectUploads
    fetches: FetchService
    assets: AssetService
    removal: RemovalService
    streams: EventStreams
    waiting: Waiting
    answers: AnswerService
    luna: LunaService
    luma_feed: LumaFeed
    keyed: KeyedRequests
    queues: QueueService
    forecasts: ForecastService
    estimates: EstimateService
    ledger: LedgerService
    usage: UsageService
    webhooks: Webhooks
    meter: UsageMeter
    completion: Completion
    provider_calls: ProviderCallService
    series: SeriesService
    probes: dict[str, Probe]


@dataclass(frozen=True, slots=True)
class Opened:
    """What services are made of."""

    engine: Engine
    objects: ObjectStore
    sweeper: Sweeper
    clock: DatabaseClock
    intake: Intake
    opener: LaneOpener
    last_use: LastUse
    limiter: Limiter
    reservations: Reservations
    usage: UsageSync
    meter: UsageMeter
    short: ShortJobs
