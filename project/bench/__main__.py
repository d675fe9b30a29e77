"""`python -m bench`: measure, print, and write into results.md."""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import accounts, fairness, image_to_video, jobs, scale, series, simulate, uploads, watchers
from bench.stacks import running_stacks
from bench.tables import Table, merged
from reelwork.runtime.logging import configure_logging

RESULTS = Path(__file__).with_name("results.md")


def bench_jobs() -> list[Table]:
    with (
        TemporaryDirectory(prefix="reelwork-bench-", ignore_cleanup_errors=True) as folder,
        running_stacks(Path(folder), concurrency=2) as stacks,
    ):
        return asyncio.run(jobs.measure(stacks))


def bench_fairness() -> list[Table]:
    with (
        TemporaryDirectory(prefix="reelwork-bench-", ignore_cleanup_errors=True) as folder,
        fairness.running_bench(Path(folder)) as bench,
    ):
        return asyncio.run(fairness.measure(bench))


def bench_films() -> list[Table]:
    return [image_to_video.table()]


def bench_scale() -> list[Table]:
    """Asked for by its name, with a million jobs; among all the others with fewer, since it takes minutes."""
    return scale.measure(queues=scale.QUEUES if len(sys.argv) > 1 else scale.QUICK_QUEUES)


def simulated() -> list[Table]:
    return [table for load in (0.9, 1.2) for table in simulate.tables(simulate.Scenario(load=load))]


SECTIONS: dict[str, Callable[[], list[Table]]] = {
    "jobs": bench_jobs,
    "fairness": bench_fairness,
    "films": bench_films,
    "scale": bench_scale,
    "watchers": watchers.measure,
    "uploads": uploads.measure,
    "accounts": accounts.measure,
    "series": series.measure,
    "simulated": simulated,
}


@contextmanager
def environment_kept() -> Iterator[None]:
    """What a section sets for its processes is not there any more for those of the next one."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Reelwork beside its peers.")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="which ones (default: all)")
    wanted = parser.parse_args().sections or list(SECTIONS)
    configure_logging(style="console", level="warning")
    stamp = f"Measured {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}."
    for name in wanted:
        with environment_kept():
            tables = SECTIONS[name]()
        sys.stdout.write("\n".join(table.markdown() for table in tables) + "\n")
        RESULTS.write_text(merged(RESULTS.read_text(), tables, stamp=stamp))


if __name__ == "__main__":
    main()
