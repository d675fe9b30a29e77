"""`python -m run.servers`: one command, settings on stdout, Ctrl-C, and the data are there the next time."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from reelwork.domain.account import parse_key
from run.servers import Keys
from run.servers.seaweedfs import s3_client
from run.servers.stack import FolderInUse, running
from testkit.waiting import until

pytestmark = pytest.mark.service
PROJECT = Path(__file__).resolve().parents[2]
WITHIN_SECONDS = 120


@contextmanager
def command(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "run.servers", "--folder", str(folder), "--no-rabbitmq", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=PROJECT, text=True, stdout=pipe, stderr=pipe) as process:  # noqa: S603  (ours)
        try:
            yield process
        finally:
            process.kill()


def settings(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(6)]
    return dict(line.split("=", 1) for line in lines)


def ended_with(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=WITHIN_SECONDS)
    return process.returncode


def pids_below(folder: Path) -> list[int]:
    """Processes that were started with a path in this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(os.fsencode(folder / "mongod") in part or os.fsencode(folder / "s3") in part for part in arguments):
            found.append(int(entry.parent.name))
    return found


def test_settings_lead_to_the_servers(tmp_path: Path) -> None:
    with command(tmp_path) as process:
        told = settings(process)
        with MongoClient[dict[str, Any]](told["REELWORK_MONGO_URL"]) as mongo:
            assert mongo.admin.command("hello")["isWritablePrimary"]
        keys = Keys(name=told["REELWORK_S3_ACCESS_KEY"], secret=told["REELWORK_S3_SECRET_KEY"])
        client = s3_client(told["REELWORK_S3_ENDPOINT_URL"], keys)
        assert client.list_buckets()["Buckets"] == []
        client.close()

    assert told["REELWORK_BROKER_URL"] == "inprocess://"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_servers_and_is_no_failure(tmp_path: Path, number: signal.Signals) -> None:
    with command(tmp_path) as process:
        settings(process)

        process.send_signal(number)

        assert ended_with(process) == 0
    assert pids_below(tmp_path) == []


def test_the_servers_end_with_whoever_started_them(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as parent:
        with command(tmp_path, "--parent", str(parent.pid)) as process:  # not its child: as if that had died
            assert ended_with(process) == 0
        parent.kill()
    assert pids_below(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's; looks into /proc")
def test_a_kill_leaves_no_server_and_the_next_start_has_the_data(tmp_path: Path) -> None:
    with command(tmp_path) as process:
        with MongoClient[dict[str, Any]](settings(process)["REELWORK_MONGO_URL"], w="majority") as mongo:
            mongo.kept.words.insert_one({"word": "kept"})
        assert len(pids_below(tmp_path)) >= 2

        process.kill()

    until(lambda: not pids_below(tmp_path))
    with running(tmp_path, with_rabbitmq=False) as stack, MongoClient[dict[str, Any]](stack.mongod.url) as mongo:
        assert mongo.kept.words.count_documents({"word": "kept"}) == 1


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    with running(tmp_path, with_rabbitmq=False) as stack:
        with pytest.raises(FolderInUse, match=str(os.getpid())), running(tmp_path):
            pass

        assert stack.fallen() is None


def test_a_server_that_ends_by_itself_is_told_and_ends_the_command(tmp_path: Path) -> None:
    with command(tmp_path) as process:
        with MongoClient[dict[str, Any]](settings(process)["REELWORK_MONGO_URL"]) as mongo:
            pid = mongo.admin.command("serverStatus")["pid"]

        os.kill(pid, signal.SIGKILL)

        _, errors = process.communicate(timeout=WITHIN_SECONDS)
    assert process.returncode == 1
    assert "mongod has ended by itself" in errors
    assert pids_below(tmp_path) == []


def make_account(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [
        "make",
        "--silent",
        "--directory",
        str(PROJECT),
        "account",
        f"DATA={folder}",
        *options,
    ]  # as it is documented
    ours = ("REELWORK_", "MAKE", "MFLAGS")  # also what a make tells the makes that it calls, if one runs the tests
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)  # noqa: S603  (ours)


def test_one_command_makes_a_key_for_what_runs_on_the_folder(tmp_path: Path) -> None:
    before = make_account(tmp_path, "NAME=studio")
    with command(tmp_path) as process:
        settings(process)
        made = make_account(tmp_path, "NAME=studio", "TIER=pro", "ADMIN=1")

    assert before.returncode != 0
    assert f"Nothing runs on {tmp_path}" in before.stderr
    assert parse_key(made.stdout.strip()) is not None, made.stderr
