"""What a model is given while it runs."""

import base64
import math
import mimetypes
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

from reelwork.generator.errors import Cancelled, InvalidInput, TimeLimitExceeded

T = TypeVar("T")

REPORT_INTERVAL_SECONDS = 0.25
GENERATING = "generating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One report: `fraction` 0 to 1, `stage` a short code (`loading_model`), `step` of `steps` where counted."""

    fraction: float
    stage: str
    message: str = ""
    step: int | None = None
    steps: int | None = None


Fetch: TypeAlias = Callable[[str], Path]
Link: TypeAlias = Callable[[str], str]
Report: TypeAlias = Callable[[Progress], None]


class GenerationContext:
    """A running job, seen from the model. Used from the model's own thread only.

    Every method may raise `Cancelled` or `TimeLimitExceeded`: calling one of them often is all that a model
    does to be stoppable; one that has to wait does so by `wait`. `workdir` is an empty scratch folder that the
    platform removes after the run; it is made when it is first asked for, since some models need none.
    """

    def __init__(
        self,
        *,
        job_id: str,
        workdir: Path,
        seed: int,
        fetch: Fetch,
        report: Report,
        is_cancelled: Callable[[], bool],
        pause: Callable[[float], object] = time.sleep,
        time_limit_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        link: Link | None = None,
        call_key: str | None = None,
        webhook_url: str | None = None,
    ) -> None:
        """`fetch`, `link`, `report`, `is_cancelled` and `pause` are called in the model's thread; the time limit counts
        from now. `pause` lets so many seconds pass, or fewer where the run is to stop. `call_key` (None: the job's id)
        and `webhook_url` are for models that run elsewhere."""
        self.job_id = job_id
        self._workdir = workdir
        self.seed = seed
        self.call_key = call_key or job_id
        self.webhook_url = webhook_url
        self._fetch = fetch
        self._link = link
        self._report = report
        self._is_cancelled = is_cancelled
        self._pause = pause
        self._limit = math.inf if time_limit_seconds is None else time_limit_seconds
        self._clock = clock
        self._started = clock()
        self._reported_at: float | None = None
        self._last = Progress(fraction=0.0, stage=GENERATING)

    @property
    def workdir(self) -> Path:
        """The run's scratch folder."""
        self._workdir.mkdir(parents=True, exist_ok=True)
        return self._workdir

    @property
    def elapsed_seconds(self) -> float:
        """Time since the run began."""
        return self._clock() - self._started

    def check(self) -> None:
        """Raise if the run must stop; costs next to nothing."""
        if self._is_cancelled():
            raise Cancelled("The job was cancelled.")
        if self.elapsed_seconds > self._limit:
            raise TimeLimitExceeded(self._limit)

    def wait(self, seconds: float) -> None:
        """Let time pass without using the processor; whatever stops the run ends the wait at once."""
        self.check()
        left = max(self._limit - self.elapsed_seconds, 0.0)
        self._pause(min(seconds, left))
        self.check()
        if left < seconds:
            raise TimeLimitExceeded(self._limit)

    def fetch(self, asset: str) -> Path:
        """The local file of an input asset; read-only, gone after the run."""
        self.check()
        return self._fetch(asset)

    def url(self, asset: str) -> str:
        """An address where anybody may read an input asset for the next hour: for providers that fetch it themselves.

        Raises InvalidInput where there is none; `data_url` or an upload of `fetch` then has to do.
        """
        self.check()
        if self._link is None:
            raise InvalidInput("The inputs of this job have no address that a provider could read them from.")
        return self._link(asset)

    def data_url(self, asset: str, *, limit_bytes: int) -> str:
        """An input asset itself as a `data:` URL (RFC 2397), which is a third longer. Raises InvalidInput above the
        limit."""
        path = self.fetch(asset)
        if (size := path.stat().st_size) > limit_bytes:
            raise InvalidInput(f"The file has {size:,} bytes, and this model takes {limit_bytes:,} at most.")
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"

    def progress(
        self,
        fraction: float,
        message: str = "",
        *,
        stage: str | None = None,
        step: int | None = None,
        steps: int | None = None,
    ) -> None:
        """Say how far the run is, 0 to 1; call it as often as you like.

        Reports go out at most every quarter of a second, besides the last one and changes of stage. The
        fraction never goes back: a smaller one counts as the largest so far.
        """
        self.check()
        reached = max(self._last.fraction, _told(fraction))
        known = stage or self._last.stage
        self._publish(Progress(fraction=reached, stage=known, message=message, step=step, steps=steps))

    def substatus(self, code: str) -> None:
        """Name what happens now (`loading_model`, `encoding`); the fraction stays."""
        self.progress(self._last.fraction, stage=code)

    def track(
        self,
        items: Iterable[T],
        total: int | None = None,
        *,
        message: str = "",
        begin: float = 0.0,
        end: float = 1.0,
    ) -> Iterator[T]:
        """Pass the items through, reporting after each; `begin` and `end` bound this part of the whole run.

        Without `total`, and without a length of `items`, it only checks.
        """
        steps = total if total is not None else (len(items) if isinstance(items, Sized) else None)
        for step, item in enumerate(items, start=1):
            self.check()
            yield item
            if steps:
                done = begin + (end - begin) * min(step / steps, 1.0)
                self.progress(done, message, step=min(step, steps), steps=steps)
        self.check()

    def _publish(self, report: Progress) -> None:
        now = self._clock()
        news = report.stage != self._last.stage or (report.fraction >= 1.0 > self._last.fraction)
        due = self._reported_at is None or now - self._reported_at >= REPORT_INTERVAL_SECONDS
        self._last = report
        if news or due:
            self._reported_at = now
            self._report(report)


def _told(fraction: float) -> float:
    """Between 0 and 1, with four digits for people to read; 1 only for what is done."""
    return 1.0 if fraction >= 1.0 else min(max(round(fraction, 4), 0.0), 0.9999)
