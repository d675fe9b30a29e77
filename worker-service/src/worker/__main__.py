"""`python -m worker`: one worker for one pool, with `REELWORK_CONCURRENCY` processes. Start as many as you like.

Nothing of ours is imported at the top: prometheus-client decides at its import where numbers are kept, and those of
several processes are kept in a folder of this worker's own.
"""

import argparse
import os
from tempfile import TemporaryDirectory


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Run jobs of one pool.")
    parser.add_argument("--pool", help="whose tickets to take (default: REELWORK_POOL, else cpu)")
    parser.add_argument("--concurrency", type=int, help="jobs at once (default: REELWORK_CONCURRENCY, else 2)")
    chosen = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    if not os.environ.get("REELWORK_METRICS_PORT"):
        _run(chosen)
        return
    with TemporaryDirectory(prefix="reelwork-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _run(chosen)


def _run(chosen: dict[str, object]) -> None:
    from worker.serving import serve  # noqa: PLC0415  (see above)

    serve(chosen)


if __name__ == "__main__":
    main()
