"""Single exchanges of a remote model with its provider: in a thread, with an end, and with all that they are given."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
import structlog

from reelwork.domain.job import Job
from reelwork.domain.remote import WebhookNote, webhook_path
from reelwork.engine.files import Files
from reelwork.generator import GenerationContext, Parameters, RemoteModel, RemoteStatus, SubmissionUnknown
from worker.catalogue import contained
from worker.telling import told

log = structlog.get_logger(__name__)

T = TypeVar("T")
AnyRemote: TypeAlias = RemoteModel[Any]  # a model of unknown parameters: they are known to the model alone

# From our side: longer than adapters' own deadlines, uploads of inputs included.
EXCHANGE_SECONDS = 180.0


class Exchange:
    """What one turn asks a provider. Every method raises what the model raises. `hangs`: a thread did not come back."""

    def __init__(self, model: AnyRemote, job: Job, files: Files, folder: Path, *, public_url: str | None) -> None:
        """`public_url`: the gateway as providers see it, None if they cannot. The job is as it is when asking."""
        self.model = model
        self._job = job
        self._files = files
        self.folder = folder
        self._public_url = public_url
        self.hangs = False

    async def submit(self, params: Parameters) -> str | RemoteStatus:
        return await self._in_thread(self.model.submit, params)

    async def recover(self, params: Parameters) -> str | RemoteStatus:
        return await self._in_thread(self.model.recover, params)

    async def poll(self, handle: str) -> RemoteStatus:
        return await self._in_thread(self.model.poll, handle)

    async def heard(self, note: WebhookNote) -> str | None:
        """The handle that a message is about, if its provider sent it; None otherwise. Raises nothing."""
        try:
            handle, _ = await self._in_thread(lambda note, _: self.model.parse_webhook(note.headers, note.body), note)
        except Exception as error:  # noqa: BLE001  (the edge to foreign code)
            log.warning("webhook.not_believed", job_id=self._job.id, reason=told(error))
            return None
        return handle

    async def cancelled(self, handle: str) -> bool:
        """Whether the provider heard that nobody wants the result any more. Raises nothing."""
        try:
            await self._in_thread(self.model.cancel, handle)
        except Exception as error:  # noqa: BLE001  (the edge to foreign code)
            log.warning("call.not_cancelled", job_id=self._job.id, reason=told(error))
            return False
        log.info("call.cancelled", job_id=self._job.id)
        return True

    async def _in_thread(self, ask: Callable[[Any, GenerationContext], T], argument: object) -> T:
        context = self._context()

        def contained_call() -> T:
            with contained():
                return ask(argument, context)

        try:
            with anyio.fail_after(EXCHANGE_SECONDS):
                return await anyio.to_thread.run_sync(contained_call, abandon_on_cancel=True)
        except TimeoutError as error:
            self.hangs = True
            raise SubmissionUnknown("The exchange with the provider did not end.") from error

    def _context(self) -> GenerationContext:
        job = self._job
        return GenerationContext(
            job_id=job.id,
            workdir=self.folder,
            seed=job.seed,
            fetch=self._fetch,
            link=lambda asset: anyio.from_thread.run(self._files.link, asset),
            report=lambda _progress: None,
            is_cancelled=lambda: False,  # an exchange is short, and may have been paid for when it ends
            call_key=f"{job.id}-{job.attempt}",
            webhook_url=self._webhook_url(),
        )

    def _fetch(self, asset: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return anyio.from_thread.run(self._files.fetch, asset, self.folder)

    def _webhook_url(self) -> str | None:
        if self._job.call is None or self._public_url is None:
            return None
        return f"{self._public_url}{webhook_path(self.model.provider, self._job.id, self._job.call.token)}"
