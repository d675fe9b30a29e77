"""Questions to all workers: everybody who listens answers, to whoever asked alone."""

import asyncio
from functools import partial

from reelwork.broker.base import Broker, Notice
from reelwork.broker.message import decode_notice, encode_notice
from reelwork.broker.probes import answer_probes, ask, asking
from reelwork.domain.ids import JobId, WorkerId
from reelwork.runtime.tasks import running

BOUND_SECONDS = 30


async def answers(broker: Broker, token: str, *, until: int) -> dict[str, Notice]:
    """So many answers by worker; asked again until then, since nobody says when the others have begun to listen."""
    found: dict[str, Notice] = {}
    async with asyncio.timeout(BOUND_SECONDS), broker.watch(asking(token)) as notices:
        while len(found) < until:
            broker.announce(ask(token, "hello"))
            try:
                async with asyncio.timeout(0.2):
                    async for notice in notices:
                        found[notice.job_id] = notice
            except TimeoutError:
                continue
    return found


async def test_every_worker_answers_with_who_it_is_and_what_was_said(broker: Broker) -> None:
    first = partial(answer_probes, broker, WorkerId("wrk_1"), name="one", pool="cpu")
    second = partial(answer_probes, broker, WorkerId("wrk_2"), name="two", pool="gpu")

    async with running(first), running(second):
        found = await answers(broker, "t" * 32, until=2)

    told = {worker: (notice.kind, notice.data) for worker, notice in found.items()}
    assert told == {
        "wrk_1": ("answer", {"name": "one", "pool": "cpu", "message": "hello"}),
        "wrk_2": ("answer", {"name": "two", "pool": "gpu", "message": "hello"}),
    }


async def test_answers_reach_nobody_but_the_one_who_asked(broker: Broker) -> None:
    async with (
        running(partial(answer_probes, broker, WorkerId("wrk_1"), name="one", pool="cpu")),
        broker.watch(asking("other")) as others,
    ):
        await answers(broker, "mine", until=1)

        overheard = asyncio.ensure_future(anext(others))
        await answers(broker, "mine", until=1)  # a whole round trip later
        assert not overheard.done()
        overheard.cancel()


def test_questions_and_answers_travel_like_other_notices() -> None:
    question = ask("token", "hello")

    assert decode_notice(encode_notice(question)) == question
    assert question.job_id == JobId("token")
