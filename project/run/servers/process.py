"""One server as a child process: start, wait until it answers, stop, and never outlive us."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

log = structlog.get_logger(__name__)

_POLL = 0.05  # seconds between two readiness probes
_TAIL_BYTES = 4_000
_DEATHSIG = Path(__file__).with_name("deathsig.py")


class ServerError(Exception):
    """A server could not be run.

    ServerError
    ├── ServerMissing   its program is not on this machine; the message names the cure
    └── ServerFailed    it ended or did not become ready in time; the message ends with the tail of its log
    """


class ServerMissing(ServerError):
    """The program of this server is not on this machine."""


class ServerFailed(ServerError):
    """The server ended, or did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run: argv[0] is the program; env is the whole environment, not an addition to ours."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None


def plain_environment(home: Path) -> dict[str, str]:
    """Return the few variables a server needs, with its own HOME; no key or token of ours is handed down."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ") if name in os.environ}
    return {"PATH": os.defpath, **kept, "HOME": str(home)}


class Server:
    """A child process that counts as started once `ready` returns True.

    It runs in a session of its own, so a Ctrl-C in our terminal reaches only us and we decide the order of ending. On
    Linux the kernel kills it when we die, even by SIGKILL; whatever is left in its process group when it ends is killed
    too. Output goes to `log`; the log of the run before is kept beside it as `*.previous`. `ready` is called every
    50 ms, must itself be quick, and translates the errors it expects into False. Use it from one thread.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Command,
        log: Path,
        ready: Callable[[], bool],
        start_within: timedelta = timedelta(seconds=60),
        stop_within: timedelta = timedelta(seconds=15),
    ) -> None:
        self.name = name
        self.command = command
        self.log = log
        self._ready = ready
        self._start_within = start_within
        self._stop_within = stop_within
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._reaping = threading.Lock()

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises ServerFailed if it does not run."""
        if self._process is None or self._ended.is_set():
            raise ServerFailed(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive, stopped by `pause` or not."""
        return self._process is not None and not self._ended.is_set()

    @property
    def returncode(self) -> int | None:
        """Exit status as of subprocess (negative: the signal), None while it runs or before the first start."""
        return self._process.returncode if self._process is not None and self._ended.is_set() else None

    def start(self) -> None:
        """Start and wait until ready; does nothing if it runs. Raises ServerFailed, with nothing left running."""
        if self.running:
            return
        began = time.monotonic()
        self._spawn()
        try:
            self._await_ready(began + self._start_within.total_seconds())
        except BaseException:  # also KeyboardInterrupt: whoever interrupts a start wants no child left; raised again
            self.kill()
            raise
        log.info("server.started", server=self.name, pid=self.pid, seconds=round(time.monotonic() - began, 2))

    def stop(self) -> None:
        """End by SIGTERM, by SIGKILL after the grace time. Returns when the process is gone; idempotent."""
        if not self.running:
            return
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a paused process takes the SIGTERM only once it goes on
        if not self._ended.wait(self._stop_within.total_seconds()):
            log.warning("server.stop_overdue", server=self.name, pid=self.pid)
            self.kill()
        log.info("server.stopped", server=self.name, returncode=self.returncode)

    def kill(self) -> None:
        """End by SIGKILL, as a crash would. Returns when the process is gone; idempotent."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._ended.wait()

    def restart(self) -> None:
        """Stop and start on the same addresses and data. Raises ServerFailed."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait until the process has ended; False if it still runs after `timeout`."""
        return self._ended.wait(None if timeout is None else timeout.total_seconds())

    def tail(self) -> str:
        """Return the last lines of the log, at most 4 kB."""
        try:
            return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
        except FileNotFoundError:
            return ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_name(f"{self.log.name}.previous"))
        started, ended = threading.Event(), threading.Event()
        self._process, self._ended = None, ended
        # The kernel's "parent" is a thread: it sends the death signal when the thread that forked ends. So the thread
        # that forks stays and waits for the child, whoever called us; it is a daemon, and ends with the process.
        keeper = threading.Thread(target=self._keep, args=(started, ended), name=f"keep-{self.name}", daemon=True)
        keeper.start()
        started.wait()
        if self._process is None:
            raise ServerFailed(f"{self.name} could not be started: {self.command.argv[0]} does not run here")

    def _keep(self, started: threading.Event, ended: threading.Event) -> None:
        try:
            process = self._popen()
        except OSError as error:
            log.warning("server.unstartable", server=self.name, error=str(error))
            ended.set()
            return
        else:
            self._process = process
        finally:
            started.set()
        self._outlive(process)
        ended.set()

    def _outlive(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the child has ended, kill what it left in its group, and only then give its pid back."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS before Python 3.13 cannot wait without reaping, which has to happen under the lock
            while not self._reaped(process):
                time.sleep(_POLL)
            return
        with self._reaping:
            _kill_group(process.pid)
            process.wait()

    def _reaped(self, process: subprocess.Popen[bytes]) -> bool:
        with self._reaping:
            return process.poll() is not None

    def _popen(self) -> subprocess.Popen[bytes]:
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            return subprocess.Popen(  # noqa: S603  argv comes from code, never from a request
                [*_mortal(), *self.command.argv],
                env=dict(self.command.env),
                cwd=self.command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )

    def _await_ready(self, deadline: float) -> None:
        while not self._ready():
            if self._ended.wait(_POLL):
                raise ServerFailed(f"{self.name} ended with status {self.returncode} while starting; {self._told()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} was not ready within {self._start_within}; {self._told()}")
        if not self.running:  # then somebody else answered the probe
            raise ServerFailed(f"{self.name} ended with status {self.returncode}; {self._told()}")

    def _told(self) -> str:
        return f"the end of {self.log}:\n{self.tail() or '(empty)'}"

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None:
            with self._reaping:  # or the signal could hit a stranger who was given the same pid
                if process.returncode is None:
                    os.kill(process.pid, number)


def _mortal() -> list[str]:
    if sys.platform != "linux":
        return []
    return [sys.executable, "-I", "-S", str(_DEATHSIG), str(os.getpid())]


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # only the dead leader is left (macOS calls that a permission)
        return
