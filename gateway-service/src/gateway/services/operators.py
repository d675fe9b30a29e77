"""What the addresses under `/v1/admin` are made of, in one place."""

from dataclasses import dataclass
from typing import Self

from gateway.auth import Authenticator
from gateway.services.accounts import AccountService
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from gateway.services.overview import OverviewService
from gateway.services.probe import ProbeService
from gateway.services.simulation import SimulationService
from gateway.services.workers import WorkerService
from reelwork.engine.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Operators:
    """Services that see the whole installation: only routes that want the scope `admin` may ask for them."""

    accounts: AccountService
    overview: OverviewService
    workers: WorkerService
    simulation: SimulationService
    probe: ProbeService

    @classmethod
    def of(cls, engine: Engine, authenticator: Authenticator, catalogue: Catalogue, jobs: JobService) -> Self:
        return cls(
            accounts=AccountService(engine, authenticator),
            overview=OverviewService(engine),
            workers=WorkerService(engine.stores),
            simulation=SimulationService(engine, catalogue, jobs),
            probe=ProbeService(engine.stores.workers, engine.broker),
        )
