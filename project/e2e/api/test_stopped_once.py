"""A worker that is told to stop ends, and does not begin again."""

import os
import signal

from testkit.stack import Stack
from testkit.waiting import until


def test_a_worker_that_was_told_to_stop_started_once(distributed: Stack):
    worker = distributed.start_worker(drain_seconds=0)
    until(lambda: "models.published" in worker.log.read_text())

    os.kill(worker.pid, signal.SIGTERM)

    assert worker.wait()
    assert worker.log.read_text().count("models.published") == 1
    distributed.workers.remove(worker)
