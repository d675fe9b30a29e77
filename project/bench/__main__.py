"""`python -m bench`: measure, print, and write results.md."""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import fairness, image_to_video, jobs
from bench.stacks import running_stacks
from bench.tables import Table
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


SECTIONS: dict[str, Callable[[], list[Table]]] = {"jobs": bench_jobs, "fairness": bench_fairness, "films": bench_films}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Reelwork beside its peers.")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="which ones (default: all)")
    wanted = parser.parse_args().sections or list(SECTIONS)
    configure_logging(style="console", level="warning")
    tables = [table for name in wanted for table in SECTIONS[name]()]
    head = f"# Measured\n\n{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}. "
    report = head + "`make -C project bench` writes this page.\n\n" + "\n".join(t.markdown() for t in tables)
    sys.stdout.write(report)
    if not parser.parse_args().sections:
        RESULTS.write_text(report)


if __name__ == "__main__":
    main()
