"""Entity tags of jobs: which version of a job a caller knows (RFC 9110, 8.8.3 and 13.1)."""

import re

from reelwork.contract.queue import JobQueue
from reelwork.domain.job import Job

_TAG = re.compile(r'(W/)?"([^"]*)"')


def etag(job: Job, queue: JobQueue | None = None) -> str:
    """A strong tag of the job's version and, while it waits, of its place: that changes without the job.

    Expected times are left out, since they move with every look.
    """
    place = f".{queue.position or 0}.{queue.reason}" if queue is not None else ""
    return f'"{job.id}-{job.version}{place}"'


def matches(if_match: str, job: Job) -> bool:
    """Whether an `If-Match` header names the job as it is, wherever it stands in its queue: by its tag, in a list,
    or by `*`. Weak tags never do."""
    if if_match.strip() == "*":
        return True
    return any(not weak and tag.partition(".")[0] == f"{job.id}-{job.version}" for weak, tag in _TAG.findall(if_match))
