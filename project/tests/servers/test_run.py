"""`make run`: its address is told when it takes jobs, and all of it ends together, in order."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from run.children import side_by_side
from run.servers import ServerMissing
from run.servers.ports import free_port
from run.servers.process import Command, Server
from run.servers.rabbitmq import find_rabbitmq
from testkit.processes import below, is_alive
from testkit.services import unavailable
from testkit.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
# Told to stop, it ends when the other one was told as well.
WAITS_FOR_OTHER = """
import pathlib, signal, sys, time

own, other = (pathlib.Path(name) for name in sys.argv[1:])

def stop(number, frame):
    own.touch()
    while not other.exists():
        time.sleep(0.01)
    sys.exit()

signal.signal(signal.SIGTERM, stop)
pathlib.Path(f"{own}.ready").touch()
while True:
    signal.pause()
"""


def waiting(folder: Path, own: str, other: str) -> Server:
    return Server(
        name=own,
        command=Command(argv=(sys.executable, "-c", WAITS_FOR_OTHER, own, other), cwd=folder),
        log=folder / f"{own}.log",
        ready=(folder / f"{own}.ready").exists,
    )


def test_what_does_not_need_each_other_is_stopped_at_the_same_time(tmp_path: Path) -> None:
    processes = [waiting(tmp_path, "one", "two"), waiting(tmp_path, "two", "one")]

    with side_by_side(processes):
        assert all(process.running for process in processes)

    assert [process.returncode for process in processes] == [0, 0]


def test_whoever_is_interrupted_while_it_waits_for_the_end_has_them_killed(tmp_path: Path) -> None:
    process = waiting(tmp_path, "one", "never")

    def interrupt() -> None:
        until((tmp_path / "one").exists)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupting = threading.Thread(target=interrupt)
    try:
        with side_by_side([process]):
            interrupting.start()
        interrupting.join()
    finally:
        signal.signal(signal.SIGINT, before)

    assert process.returncode == -signal.SIGKILL


@contextmanager
def made(folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """What a make runs that says what ours says, in a process group of its own."""
    argv = f"{sys.executable} -m run --data {folder / 'data'} --parent $$PPID {' '.join(options)}"
    (folder / "Makefile").write_text(f".PHONY: all\nall:\n\t@exec {argv}\n")
    make = ["make", "--silent", "--directory", str(PROJECT), "--file", str(folder / "Makefile")]
    command = ["/usr/bin/env", "--default-signal=INT,HUP", *make]  # as at a terminal, however the tests were started
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REELWORK_", "MAKE"))}
    environment |= {"REELWORK_MODEL_MODULES": "testkit.models", "PYTHONPATH": str(PROJECT)}  # quickly imported
    with subprocess.Popen(  # noqa: S603  (ours)
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.service
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_job_is_taken_when_the_address_is_told_and_an_interrupt_of_make_ends_everything_in_order(
    tmp_path: Path,
) -> None:
    try:
        find_rabbitmq()
    except ServerMissing as missing:
        raise unavailable("RabbitMQ", [str(missing)]) from missing
    port = free_port()
    with made(tmp_path, f"--port {port}", "--broker rabbitmq") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(f"http://127.0.0.1:{port}/docs" in line for line in lines), "it ended"
        key = (tmp_path / "data" / "dev.key").read_text().strip()
        asked = {"X-API-Key": key, "Content-Type": "application/json"}
        job = b'{"model": "testkit/noop", "input": {}}'
        submit = urllib.request.Request(f"http://127.0.0.1:{port}/v1/jobs", data=job, headers=asked)
        with urllib.request.urlopen(submit, timeout=30) as answer:  # noqa: S310  (likewise)
            assert answer.status == 202
        started = below(process.pid, "")

        process.send_signal(signal.SIGINT)

        told = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
        assert process.wait() != 0  # as make has it
    stops = [line for line in told if "server.stopped" in line]
    ends = {line.partition("server=")[2].split()[0]: line for line in stops}
    services = ("mongod", "seaweedfs", "rabbitmq", "epmd")
    assert {"gateway", "worker", "mongod", "rabbitmq"} <= ends.keys()
    ranks = [name in services for name in ends]
    assert ranks == sorted(ranks), "gateway and workers end before what they need"
    assert "returncode=0" in ends["mongod"]
    assert any(line.startswith("Stopped.") for line in told)
    assert len(started) > 5
    assert not [pid for pid in started if is_alive(pid)]
