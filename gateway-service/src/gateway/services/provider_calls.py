"""What providers say of the jobs that they work on. Workers alone can tell whether it is true."""

from collections.abc import Mapping

from reelwork.domain.ids import JobId
from reelwork.engine.calls import hear
from reelwork.engine.engine import Engine


class ProviderCallService:
    """Takes messages for waiting jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def hear(self, job_id: str, token: str, *, headers: Mapping[str, str], body: bytes) -> None:
        """Let a worker look at the job now, if it is one that waits and the token is its own; nobody is told whether.

        Raises StoreUnavailable: the provider will say it again.
        """
        await hear(self._engine, JobId(job_id), token, headers=headers, body=body)
