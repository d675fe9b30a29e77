"""Folders for the files of jobs: nothing is left after an orderly end, and what a dead process left goes next time."""

import subprocess
import sys
from pathlib import Path

from testkit.waiting import until
from worker.workroom import own_folder, remove_leftovers

WORK_AND_HANG = """
import signal, sys
from pathlib import Path
from worker.workroom import own_folder
with own_folder(Path(sys.argv[1])) as folder:
    (folder / "film.mp4").write_bytes(b"half a film")
    signal.pause()
"""


def killed_in_mid_work(root: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WORK_AND_HANG, root]) as process:  # noqa: S603  our own words
        until(lambda: list(root.glob("*/film.mp4")))
        process.kill()


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


def test_nothing_is_left_of_a_process_that_ends_in_order(tmp_path: Path):
    with own_folder(tmp_path / "made") as folder:
        (folder / "job").mkdir()
        (folder / "job" / "input.png").write_bytes(b"x")
        assert folder.stat().st_mode & 0o777 == 0o700

    assert names(tmp_path / "made") == set()


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path: Path):
    killed_in_mid_work(tmp_path)
    assert list(tmp_path.glob("*/film.mp4"))

    with own_folder(tmp_path) as folder:
        assert names(tmp_path) == {folder.name, f"{folder.name}.lock"}

    assert names(tmp_path) == set()


def test_folders_of_living_processes_and_of_strangers_stay(tmp_path: Path):
    (tmp_path / "reelwork-stack-1").mkdir()
    (tmp_path / "notes.lock").touch()
    with own_folder(tmp_path) as one, own_folder(tmp_path) as other:
        assert remove_leftovers(tmp_path) == 0
        assert one.is_dir()
        assert other.is_dir()

    assert names(tmp_path) == {"reelwork-stack-1", "notes.lock"}


def test_a_lock_that_is_a_link_leads_nowhere(tmp_path: Path):
    """In a folder that everybody may write to, a stranger must not make us remove what is ours."""
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (tmp_path / "reelwork-work-0").symlink_to(treasure)
    (tmp_path / "reelwork-work-0.lock").symlink_to(tmp_path / "elsewhere")

    assert remove_leftovers(tmp_path) == 0

    assert treasure.is_dir()
