"""A disk without room for what a request brings: nobody's mistake who sends it, and soon over or the operator's."""

import errno
import tempfile

import structlog

from reelwork.domain.errors import Unavailable

log = structlog.get_logger(__name__)

_SOON_SECONDS = 5


def no_room(error: Exception) -> Unavailable:
    """What to answer if that is the error. Raises any other again."""
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        raise error
    log.error("disk.full", folder=tempfile.gettempdir(), reason=str(error))
    return Unavailable(
        "There is no room for the body at the moment.",
        hint="Try again in a moment. If that does not help, who runs this must give the gateway's TMPDIR more room.",
        retry_after_seconds=_SOON_SECONDS,
    )
