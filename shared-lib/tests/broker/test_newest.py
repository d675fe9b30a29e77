"""What a slow watcher holds is bounded."""

import pytest

from reelwork.broker.base import Notice
from reelwork.broker.watchers import Newest
from reelwork.domain.ids import AccountId, JobId


def notice(job: int, number: int = 0) -> Notice:
    return Notice(kind="progress", account_id=AccountId("acct_a"), job_id=JobId(f"job_{job}"), data={"number": number})


def test_a_newer_notice_takes_the_place_of_an_older() -> None:
    held = Newest()
    for sent in (notice(1, 1), notice(2, 1), notice(1, 2)):
        held.put(sent)

    assert [held.pop(), held.pop()] == [notice(1, 2), notice(2, 1)]


def test_a_full_one_forgets_the_oldest() -> None:
    held = Newest(capacity=2)

    forgotten = [held.put(notice(job)) for job in (1, 2, 3)]

    assert forgotten == [None, None, notice(1)]
    assert [held.pop(), held.pop()] == [notice(2), notice(3)]


def test_an_empty_one_has_nothing_to_give() -> None:
    with pytest.raises(KeyError):
        Newest().pop()
