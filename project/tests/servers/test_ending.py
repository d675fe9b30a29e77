"""Whoever is started by make ends with it: by Ctrl-C once, not twice; also where make alone was told, or is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
# Writes down each signal that it gets, and ends when it was told to, and its look at make has come to something.
PROGRAM = """
import signal, sys, threading
from pathlib import Path
from run.ending import Ending

ending, told, over = Ending(), Path("told"), threading.Event()

def note(number, frame):
    with told.open("a") as file:
        file.write("x")
    over.set()

ending.by_signals(note)
with ending.with_parent(int(sys.argv[1])):
    Path("ready").touch()
    over.wait()
    for thread in threading.enumerate():
        if thread.name == "watch-parent":
            thread.join()
Path("ended").touch()
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A make that runs the program, in a process group of its own."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "Makefile").write_text(f"run:\n\t@exec {sys.executable} program.py $$PPID\n")
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        # As at a terminal: whoever runs the tests in the background or under nohup ignores these, and hands that on.
        ["/usr/bin/env", "--default-signal=INT,HUP", "make", "--silent", "run"],
        cwd=tmp_path,
        env=environment,
        process_group=0,
    ) as process:
        try:
            until((tmp_path / "ready").exists)
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_it_ends_when_make_alone_is_told_or_is_gone(
    make: "subprocess.Popen[bytes]", tmp_path: Path, number: signal.Signals
) -> None:
    make.send_signal(number)

    until((tmp_path / "ended").exists)
    assert (tmp_path / "told").read_text() == "x"
    assert make.wait() != 0


def test_an_interrupt_of_the_whole_group_is_heard_once(make: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    os.killpg(make.pid, signal.SIGINT)

    until((tmp_path / "ended").exists)
    assert (tmp_path / "told").read_text() == "x"
