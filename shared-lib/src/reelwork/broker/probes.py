"""Questions to all workers and their answers, as notices: who hears this, and how long is the way there and back?

A question is a notice of a job that does not exist, of an account that does not exist, which every worker process
watches; an answer is one of the account that the asker watches, a different one for each question.
"""

from reelwork.broker.base import Notice, Notices
from reelwork.domain.ids import AccountId, JobId, WorkerId

# No account has such an id: theirs begin with `acct_`.
QUESTIONS = AccountId("probe")


def asking(token: str) -> AccountId:
    """What to watch for the answers to one question."""
    return AccountId(f"probe_{token}")


def ask(token: str, message: str) -> Notice:
    """A question to all workers; the token is the asker's own, and nobody else's to guess."""
    return Notice(kind="probe", account_id=QUESTIONS, job_id=JobId(token), data={"message": message})


def answer(question: Notice, worker: WorkerId, *, name: str, pool: str) -> Notice:
    """What a worker says to it. Several processes of one worker say the same: one of them is enough."""
    data = {"name": name, "pool": pool, "message": question.data.get("message", "")}
    return Notice(kind="answer", account_id=asking(question.job_id), job_id=JobId(worker), data=data)


async def answer_probes(broker: Notices, worker: WorkerId, *, name: str, pool: str) -> None:
    """Answer every question, until cancelled. Questions that come while the connection is lost are not heard."""
    async with broker.watch(QUESTIONS) as questions:
        async for question in questions:
            if question.kind == "probe":
                broker.announce(answer(question, worker, name=name, pool=pool))
