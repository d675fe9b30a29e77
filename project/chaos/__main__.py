"""`python -m chaos --seed 7`: one run; prints its tables, and ends with status 1 if a promise was broken."""

import argparse
import asyncio
import logging
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from chaos.campaign import run
from chaos.stand import Size
from reelwork.runtime.logging import configure_logging


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m chaos", description="Jobs under fire, and a check of what is left."
    )
    parser.add_argument("--seed", type=int, default=7, help="of the plan: the same one makes the same plan")
    parser.add_argument("--jobs", type=int, default=1000, help="how many; the storm's length follows (%(default)s)")
    parser.add_argument("--report", type=Path, help="also write the tables into this file")
    parser.add_argument("--keep", action="store_true", help="keep data and logs even if every promise held")
    arguments = parser.parse_args()
    configure_logging(style="console", level="info")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for each request
    folder = Path(mkdtemp(prefix="reelwork-chaos-"))
    outcome = asyncio.run(run(seed=arguments.seed, jobs=arguments.jobs, folder=folder, size=Size()))
    sys.stdout.write(outcome.markdown())
    if arguments.report:
        arguments.report.write_text(outcome.markdown())
    if outcome.held and not arguments.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        sys.stdout.write(f"Data and logs are kept in {folder}\n")
    return 0 if outcome.held else 1


if __name__ == "__main__":
    sys.exit(main())
