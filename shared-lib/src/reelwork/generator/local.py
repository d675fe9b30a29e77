"""Run a model without the platform: in tests, in a script, at the command line."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from reelwork.generator.context import GenerationContext, Progress
from reelwork.generator.errors import InvalidInput


class LocalContext(GenerationContext):
    """A context on a plain folder: assets are local files, reports are kept in `reports`.

    `cancel()` may be called from any thread, or from `on_progress`.
    """

    def __init__(
        self,
        workdir: Path,
        *,
        assets: Mapping[str, Path] | None = None,
        urls: Mapping[str, str] | None = None,
        seed: int = 0,
        job_id: str = "job_local",
        time_limit_seconds: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        webhook_url: str | None = None,
    ) -> None:
        """`urls`: where assets can be read by others, for models that run elsewhere."""
        workdir.mkdir(parents=True, exist_ok=True)
        self.reports: list[Progress] = []
        self._assets = dict(assets or {})
        self._urls = dict(urls or {})
        self._on_progress = on_progress
        self._cancelled = threading.Event()
        super().__init__(
            job_id=job_id,
            workdir=workdir,
            seed=seed,
            fetch=self._local_asset,
            report=self._keep,
            is_cancelled=self._cancelled.is_set,
            pause=self._cancelled.wait,
            time_limit_seconds=time_limit_seconds,
            clock=clock,
            link=self._local_url,
            webhook_url=webhook_url,
        )

    def cancel(self) -> None:
        """Make the model's next call of this context raise `Cancelled`."""
        self._cancelled.set()

    def _local_asset(self, asset: str) -> Path:
        path = self._assets.get(asset)
        if path is None:
            raise InvalidInput(f"There is no asset {asset!r} here; known are: {', '.join(self._assets) or 'none'}.")
        return path

    def _local_url(self, asset: str) -> str:
        if asset not in self._urls:
            raise InvalidInput(f"There is no address of {asset!r} here; known are: {', '.join(self._urls) or 'none'}.")
        return self._urls[asset]

    def _keep(self, report: Progress) -> None:
        self.reports.append(report)
        if self._on_progress is not None:
            self._on_progress(report)
