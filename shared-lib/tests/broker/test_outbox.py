"""What waits for a connection is bounded, and counted when it is given up."""

from collections import Counter

from reelwork.broker.base import Notice
from reelwork.broker.outbox import TICKETS_KEPT, Outbox
from reelwork.domain.ids import AccountId, JobId


def drained(outbox: Outbox) -> Counter[str]:
    pools: Counter[str] = Counter()
    while (pool := outbox.take_ticket()) is not None:
        pools[pool] += 1
    return pools


def test_tickets_are_kept_as_numbers_per_pool() -> None:
    outbox = Outbox()
    outbox.add_tickets("cpu", 2)
    outbox.add_tickets("gpu", 1)
    outbox.add_tickets("cpu", 3)

    assert outbox.filled.is_set()
    assert drained(outbox) == {"cpu": 5, "gpu": 1}
    assert not outbox


def test_tickets_above_the_bound_are_dropped_and_counted() -> None:
    outbox = Outbox()
    outbox.add_tickets("cpu", TICKETS_KEPT + 500)
    outbox.add_tickets("cpu", 7)
    outbox.add_tickets("gpu", 1)

    assert outbox.dropped == 507
    assert drained(outbox) == {"cpu": TICKETS_KEPT, "gpu": 1}


def test_notices_do_not_outlive_the_connection_they_were_meant_for() -> None:
    outbox = Outbox()
    for job in ("job_1", "job_2", "job_1"):
        outbox.add_notice(Notice(kind="changed", account_id=AccountId("acct_a"), job_id=JobId(job)))

    outbox.drop_notices()

    assert outbox.dropped == 2
    assert outbox.take_notice() is None
