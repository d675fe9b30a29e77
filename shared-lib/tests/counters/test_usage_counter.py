"""The counter on Valkey: whoever comes late changes nothing, and what a server on a disk has said it keeps."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from reelwork.counters.usage import CounterDown, UsageCounter
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.usage import Metric, UsageEvent
from testkit.services import UrlService

ACCOUNT, JOB, DAY = AccountId("acct_a"), JobId("job_a"), "2026-11-21"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENDED = UsageEvent(id="job_a.2", account_id=ACCOUNT, at=AT, counts={Metric.JOBS_COMPLETED: 1}, job_id=JOB, upto=3)


@pytest.fixture
async def counter(valkey_url: str) -> AsyncIterator[UsageCounter]:
    async with UsageCounter.open(valkey_url, prefix=f"{secrets.token_hex(4)}.") as opened:
        yield opened


async def test_a_pass_knows_what_the_one_before_left(counter: UsageCounter) -> None:
    earlier, nothing = await counter.begin_pass()
    await counter.push_jobs(earlier, [ENDED])

    later, left = await counter.begin_pass()
    forgotten = await counter.forget(later, left)

    assert (nothing, left, forgotten) == ({}, {JOB: 3}, True)
    assert await counter.begin_pass() != (later, left)
    assert (await counter.begin_pass())[1] == {}


async def test_a_pass_that_is_not_the_latest_changes_nothing(counter: UsageCounter) -> None:
    earlier, _ = await counter.begin_pass()
    later, _ = await counter.begin_pass()

    late = await counter.push_jobs(earlier, [ENDED])
    await counter.push_jobs(later, [ENDED])
    late_too = await counter.forget(earlier, {JOB: 3})

    assert (late, late_too) == (False, False)
    assert (await counter.pending(ACCOUNT, [DAY])).counts == {DAY: {Metric.JOBS_COMPLETED: 1}}
    assert (await counter.begin_pass())[1] == {JOB: 3}


async def test_a_flush_stays_until_it_is_ended_and_what_comes_meanwhile_waits(counter: UsageCounter) -> None:
    await counter.push_requests("gw_1", 1, DAY, {ACCOUNT: 2})
    begun = await counter.take_flush()
    await counter.push_requests("gw_1", 2, DAY, {ACCOUNT: 5})
    again = await counter.take_flush()
    assert begun is not None
    await counter.end_flush(begun.number)
    following = await counter.take_flush()

    assert begun == again
    assert following is not None
    assert following.number > begun.number
    assert following.counts == {(ACCOUNT, DAY): {Metric.REQUESTS: 5}}


async def test_a_late_end_does_not_end_the_next_flush(counter: UsageCounter) -> None:
    numbers = []
    for push in (1, 2):
        await counter.push_requests("gw_1", push, DAY, {ACCOUNT: 1})
        flush = await counter.take_flush()
        assert flush is not None
        numbers.append(flush.number)
        await counter.end_flush(numbers[0])

    still = await counter.take_flush()

    assert still is not None
    assert still.number == numbers[1]


async def test_where_nothing_is_counted_there_is_nothing_to_flush(counter: UsageCounter) -> None:
    assert await counter.take_flush() is None


async def test_installations_with_their_own_prefix_do_not_meet(counter: UsageCounter, valkey_url: str) -> None:
    await counter.push_requests("gw_1", 1, DAY, {ACCOUNT: 1})

    async with UsageCounter.open(valkey_url, prefix=f"{secrets.token_hex(4)}.") as other:
        assert await other.take_flush() is None


async def test_what_is_safe_outlives_the_server(own_valkey: UrlService) -> None:
    async with UsageCounter.open(own_valkey.url) as counter:
        token, _ = await counter.begin_pass()
        await counter.push_jobs(token, [ENDED])
        await counter.safe()
        own_valkey.kill()
        with pytest.raises(CounterDown):
            await counter.begin_pass()
        own_valkey.start()

        assert (await counter.begin_pass())[1] == {JOB: 3}
        assert (await counter.pending(ACCOUNT, [DAY])).counts == {DAY: {Metric.JOBS_COMPLETED: 1}}


async def test_a_server_that_hangs_holds_nobody_up(own_valkey: UrlService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelwork.counters.usage.ANSWER_SECONDS", 0.2)
    async with UsageCounter.open(own_valkey.url) as counter:
        await counter.begin_pass()
        own_valkey.pause()
        try:
            with pytest.raises(CounterDown):
                await counter.push_requests("gw_1", 1, DAY, {ACCOUNT: 1})
        finally:
            own_valkey.resume()

        await counter.push_requests("gw_1", 1, DAY, {ACCOUNT: 1})

        assert (await counter.pending(ACCOUNT, [DAY])).counts == {DAY: {Metric.REQUESTS: 1}}
