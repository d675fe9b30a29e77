"""`python -m worker`: one worker for one pool, with `REELWORK_CONCURRENCY` processes. Start as many as you like."""

import argparse
import sys

from pydantic import ValidationError
from pydantic_settings import SettingsError

from reelwork.runtime.misset import said_of
from worker.celery_app import make_app
from worker.settings import WorkerSettings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Run jobs of one pool.")
    parser.add_argument("--pool", help="whose tickets to take (default: REELWORK_POOL, else cpu)")
    parser.add_argument("--concurrency", type=int, help="jobs at once (default: REELWORK_CONCURRENCY, else 2)")
    chosen = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    try:
        settings = WorkerSettings(**chosen)
    except (ValidationError, SettingsError) as error:
        sys.exit(said_of(error))
    app = make_app(settings)
    app.worker_main(
        [
            "worker",
            "--pool=prefork",
            f"--concurrency={settings.concurrency}",
            f"--hostname=reelwork@{settings.worker_name}",
            "--without-gossip",
            "--without-mingle",
            f"--loglevel={settings.log_level.upper()}",
        ]
    )


if __name__ == "__main__":
    main()
