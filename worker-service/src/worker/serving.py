"""A worker's life, from its settings to its end."""

import sys
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from reelwork.runtime.misset import said_of
from worker.celery_app import make_app
from worker.settings import WorkerSettings


def serve(chosen: dict[str, Any]) -> None:
    """Run until told to stop; exits at once where something is wrong with the settings. `chosen`: fields of them
    that command line arguments gave."""
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
