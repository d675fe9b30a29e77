"""What every broker promises, whatever it is made of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from reelwork.broker.base import Broker, Notice
from reelwork.domain.ids import AccountId, JobId

ANNA, BERT = AccountId("acct_anna"), AccountId("acct_bert")
ONE, TWO = JobId("job_1"), JobId("job_2")

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


def changed(account: AccountId, job: JobId) -> Notice:
    return Notice(kind="changed", account_id=account, job_id=job)


def progress(job: JobId, number: int) -> Notice:
    return Notice(kind="progress", account_id=ANNA, job_id=job, data={"number": number, "word": "Größe"})


async def next_of(notices: AsyncIterator[Notice]) -> Notice:
    async with asyncio.timeout(30):
        return await anext(notices)


async def test_published_tickets_wait_in_their_own_pool(broker: Broker, eventually: Eventually) -> None:
    broker.publish("cpu", 3)
    broker.publish("gpu")

    async def counted() -> bool:
        return (await broker.depth("cpu"), await broker.depth("gpu"), await broker.depth("remote")) == (3, 1, 0)

    await eventually(counted)


async def test_far_too_many_tickets_are_no_error(broker: Broker) -> None:
    for _ in range(50):
        broker.publish("cpu", 1_000_000)

    await broker.ping()


async def test_a_notice_reaches_those_who_watch_the_job_or_its_account(broker: Broker) -> None:
    sent = progress(ONE, 7)

    async with broker.watch(ANNA, ONE) as first, broker.watch(ANNA, ONE) as second, broker.watch(ANNA) as account:
        broker.announce(sent)

        assert [await next_of(first), await next_of(second), await next_of(account)] == [sent] * 3


async def test_a_notice_reaches_nobody_else(broker: Broker) -> None:
    async with broker.watch(ANNA, TWO) as other_job, broker.watch(BERT) as other_account:
        broker.announce(changed(ANNA, ONE))
        broker.announce(changed(ANNA, TWO))
        broker.announce(changed(BERT, ONE))

        assert await next_of(other_job) == changed(ANNA, TWO)
        assert await next_of(other_account) == changed(BERT, ONE)


async def test_watching_hears_nothing_from_before(broker: Broker) -> None:
    async with broker.watch(ANNA) as fast:
        broker.announce(progress(ONE, 1))
        await next_of(fast)

        async with broker.watch(ANNA, ONE) as late:
            broker.announce(progress(ONE, 2))

            assert await next_of(late) == progress(ONE, 2)


async def test_a_watcher_that_lags_gets_the_newest_of_each_kind_only(broker: Broker) -> None:
    async with broker.watch(ANNA) as slow, broker.watch(ANNA) as fast:
        broker.announce(changed(ANNA, ONE))
        for number in range(500):
            broker.announce(progress(ONE, number))
        while await next_of(fast) != progress(ONE, 499):
            pass
        broker.announce(changed(ANNA, TWO))
        while await next_of(fast) != changed(ANNA, TWO):
            pass

        assert [await next_of(slow) for _ in range(3)] == [changed(ANNA, ONE), progress(ONE, 499), changed(ANNA, TWO)]


async def test_one_watcher_leaving_does_not_disturb_another(broker: Broker) -> None:
    async with broker.watch(ANNA, ONE) as stays:
        async with broker.watch(ANNA, ONE):
            pass

        broker.announce(changed(ANNA, ONE))

        assert await next_of(stays) == changed(ANNA, ONE)


async def test_a_job_can_be_watched_again_and_by_many_at_once(broker: Broker) -> None:
    async def hear_one() -> Notice:
        async with broker.watch(ANNA, ONE) as notices:
            entered.release()
            return await next_of(notices)

    for _ in range(3):
        entered = asyncio.Semaphore(0)
        heard = [asyncio.create_task(hear_one()) for _ in range(20)]
        for _ in heard:
            await entered.acquire()

        broker.announce(changed(ANNA, ONE))

        assert await asyncio.gather(*heard) == [changed(ANNA, ONE)] * 20


async def test_a_broker_that_works_can_be_pinged_by_many_at_once(broker: Broker) -> None:
    await asyncio.gather(*(broker.ping() for _ in range(50)))
