"""Entity tags of jobs: which version of a job a caller knows (RFC 9110, 8.8.3 and 13.1)."""

import re

from reelwork.domain.job import Job

_TAG = re.compile(r'(W/)?"([^"]*)"')


def etag(job: Job) -> str:
    """A strong tag of the job's version.

    It tells of the job itself, not of the queue around it: whoever answers 304 by it must not do so for a job that
    waits, whose place and prospects change without it.
    """
    return f'"{job.id}-{job.version}"'


def matches(if_match: str, job: Job) -> bool:
    """Whether an `If-Match` header names the job as it is: by its tag, in a list, or by `*`. Weak tags never do."""
    if if_match.strip() == "*":
        return True
    return any(not weak and f'"{tag}"' == etag(job) for weak, tag in _TAG.findall(if_match))
