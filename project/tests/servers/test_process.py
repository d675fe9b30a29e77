"""A server is a child that starts, answers, ends, and never outlives us."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from run.servers.process import Command, Server, ServerFailed
from testkit.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
SAYS_READY = "import pathlib, time; pathlib.Path('ready').touch(); print('here I am', flush=True); time.sleep(600)"
IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SAYS_READY}"
HAS_A_CHILD = (
    "import subprocess, sys; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    f"open('child', 'w').write(str(child.pid)); {SAYS_READY}"
)


def server(folder: Path, code: str, **options: timedelta) -> Server:
    return Server(
        name="sample",
        command=Command(argv=(sys.executable, "-c", code), cwd=folder),
        log=folder / "sample.log",
        ready=(folder / "ready").exists,
        **options,
    )


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # whoever adopted it may be slow to bury it


linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel's death signal is Linux's; looks into /proc"
)


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path, SAYS_READY) as running:
        yield running


def test_started_means_that_the_probe_said_yes(sample: Server, tmp_path: Path) -> None:
    assert sample.running
    assert (tmp_path / "ready").exists()


def test_what_it_prints_is_in_its_log(sample: Server) -> None:
    until(lambda: sample.tail() == "here I am")


def test_log_is_readable_by_its_owner_only(sample: Server) -> None:
    assert sample.log.stat().st_mode & 0o777 == 0o600


def test_log_of_the_run_before_is_kept(sample: Server) -> None:
    until(lambda: sample.tail() == "here I am")

    sample.restart()

    assert sample.log.with_name("sample.log.previous").read_text() == "here I am\n"


def test_stopped_server_is_gone_and_may_be_stopped_again(sample: Server) -> None:
    sample.stop()
    sample.stop()

    assert not sample.running
    assert sample.returncode == -signal.SIGTERM


def test_starting_a_running_server_changes_nothing(sample: Server) -> None:
    before = sample.pid

    sample.start()

    assert sample.pid == before


def test_restart_is_another_process(sample: Server) -> None:
    before = sample.pid

    sample.restart()

    assert sample.running
    assert sample.pid != before


def test_paused_server_can_be_stopped(sample: Server) -> None:
    sample.pause()

    sample.stop()

    assert sample.returncode == -signal.SIGTERM


def test_server_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    stubborn = server(tmp_path, IGNORES_TERM, stop_within=timedelta(milliseconds=200))
    stubborn.start()

    stubborn.stop()

    assert stubborn.returncode == -signal.SIGKILL


def test_server_that_ends_while_starting_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = server(tmp_path, "print('no disk'); raise SystemExit(3)")

    with pytest.raises(ServerFailed, match=r"(?s)sample ended with status 3.*no disk"):
        broken.start()


def test_server_that_is_never_ready_is_an_error_and_is_gone(tmp_path: Path) -> None:
    slow = server(tmp_path, "import time; time.sleep(600)", start_within=timedelta(milliseconds=300))

    with pytest.raises(ServerFailed, match="not ready within"):
        slow.start()

    assert not slow.running


def test_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    absent = Server(
        name="absent", command=Command(argv=("/no/such/program",)), log=tmp_path / "log", ready=lambda: False
    )

    with pytest.raises(ServerFailed, match="absent"):
        absent.start()


def test_pid_of_a_server_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="not running"):
        _ = server(tmp_path, SAYS_READY).pid


def test_wait_returns_when_the_server_has_ended(sample: Server) -> None:
    assert not sample.wait(timedelta(0))

    os.kill(sample.pid, signal.SIGKILL)

    assert sample.wait(timedelta(seconds=30))
    assert not sample.running


def test_a_server_has_a_session_of_its_own_so_that_ctrl_c_reaches_only_us(sample: Server) -> None:
    assert os.getsid(sample.pid) == sample.pid


@linux_only
def test_what_a_killed_server_leaves_behind_is_killed_too(tmp_path: Path) -> None:
    parent = server(tmp_path, HAS_A_CHILD)
    parent.start()
    grandchild = int((tmp_path / "child").read_text())
    assert is_alive(grandchild)

    parent.kill()

    until(lambda: not is_alive(grandchild))


@linux_only
def test_a_server_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started = server(tmp_path, SAYS_READY)
    starter = threading.Thread(target=started.start)
    starter.start()
    starter.join()

    ended = started.wait(timedelta(milliseconds=300))  # the kernel would have sent the death signal at once

    started.stop()
    assert not ended


@linux_only
def test_a_server_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from run.servers.process import Command, Server;"
        f"s = Server(name='s', command=Command(argv=(sys.executable, '-c', {SAYS_READY!r})), log=Path('log'),"
        " ready=Path('ready').exists);"
        "s.start(); Path('pid.draft').write_text(str(s.pid)); Path('pid.draft').rename('pid'); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(PROJECT)], cwd=tmp_path)  # noqa: S603  (ours)
    until((tmp_path / "pid").exists)
    child = int((tmp_path / "pid").read_text())
    assert is_alive(child)

    parent.kill()
    parent.wait()

    until(lambda: not is_alive(child))
