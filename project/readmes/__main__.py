"""`make sources`: start Reelwork, and type what stands in the READMEs of the five systems that it replaces."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2 as httpx

from gateway.account import KEY_VARIABLE
from readmes.accounts import KEYS
from readmes.player import Differs, Player
from readmes.site import fetching, things
from readmes.table import Table, tables
from run.servers.ports import free_port, is_free

PROJECT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m readmes", description="Play the READMEs of the replaced systems.")
    parser.add_argument("--port", type=int, default=8000, help="where Reelwork listens; 0: any that is free")
    port = usable_port(parser.parse_args().port)
    with things() as (known, site_port), TemporaryDirectory(prefix="reelwork-sources-") as folder:
        settings = {f"REELWORK_{name.upper()}": str(value) for name, value in fetching(site_port).items()}
        settings |= {"REELWORK_HEYGEN_SHORTEST_DELAY": "1", "REELWORK_HEYGEN_LONGEST_DELAY": "3"}
        with _reelwork(port, Path(folder), os.environ | settings):
            for key, (name, tier) in KEYS.items():
                _adopt(Path(folder), key, name, tier.value)
            player = Player(f"http://localhost:{port}", known, say=_say)
            failed = sum([_play(player, table) for table in tables()])
    _say(f"\n{failed} of the examples failed." if failed else "\nAll examples of the five READMEs work.")
    return 1 if failed else 0


def usable_port(wanted: int) -> int:
    """This port, or another one where somebody listens on it already: a second Reelwork, which must not be taken for
    ours. 0: any."""
    if wanted and is_free(wanted):
        return wanted
    port = free_port()
    if wanted:
        _say(f"Port {wanted} is taken; Reelwork starts on {port} instead.")
    return port


@contextmanager
def _reelwork(port: int, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """What `make run` runs, with its data in `folder`."""
    argv = [sys.executable, "-m", "run", "--port", str(port), "--data", str(folder), "--broker", "inprocess"]
    argv += ["--parent", str(os.getpid())]
    with (folder / "reelwork.log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=PROJECT, env=environment, stdout=log, stderr=log)  # noqa: S603  our own
        try:
            _wait_ready(port, process, folder / "reelwork.log")
            yield
        finally:
            process.terminate()
            process.wait(60)


def _wait_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Raises SystemExit with the end of the log."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"Reelwork did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _adopt(folder: Path, key: str, name: str, tier: str) -> None:
    argv = [sys.executable, "-m", "run.account", "ensure", "--name", name, "--tier", tier]
    environment = os.environ | {KEY_VARIABLE: key, "DATA": str(folder)}
    subprocess.run(argv, cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own


def _play(player: Player, table: Table) -> int:
    """How many of its examples failed."""
    _say(f"\n# {table.readme}")
    failed = 0
    for example in table.examples:
        if not example.command:
            _say(f"$ {example.text}\n  here: {example.instead} ({example.why})")
            continue
        try:
            player.play(example)
        except Differs as difference:
            failed += 1
            _say(f"FAILED: {difference}")
    return failed


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
