"""The header `Retry-After` (RFC 9110, 10.2.3), as providers, pages and receivers of webhooks send it."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_MOST_DIGITS = 9  # thirty years


def asked_wait(said: str | None, *, now: datetime | None = None) -> timedelta | None:
    """The wait that the header asks for, in seconds or as a date; not negative. None where there is none, or one that
    cannot be read. How much of it is granted is for whoever waits. `now`: None for this machine's clock."""
    said = (said or "").strip()
    if said.isascii() and said.isdigit():
        return timedelta(seconds=int(said[:_MOST_DIGITS]))
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):  # the second one for numbers beyond a C int
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(timedelta(), moment - (now or datetime.now(UTC)))
