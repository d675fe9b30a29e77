"""The clients: several accounts that submit and cancel over HTTP, and do not give up when they get no answer."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx2 as httpx

from chaos.history import Cancel, Submission
from chaos.model import NAME
from chaos.plan import Fate, JobPlan
from chaos.stand import Stand

ANSWER_SECONDS = 5.0  # then a try counts as unanswered
PAUSE_SECONDS = 0.5  # between two tries
PATIENCE_SECONDS = 600.0  # longer than a storm lasts: when it is quiet, everybody is answered
AT_ONCE = 32  # requests under way

_FAILS = {Fate.FAIL: "fatal", Fate.FAIL_AGAIN: "retryable"}


class Clients:
    """`submissions` and `cancels` are the record of what was asked and answered."""

    def __init__(self, stand: Stand, http: httpx.AsyncClient) -> None:
        self._stand = stand
        self._http = http
        self._places = asyncio.Semaphore(AT_ONCE)
        self.submissions: list[Submission] = []
        self.cancels: list[Cancel] = []

    async def play(self, jobs: Sequence[JobPlan], begun: float) -> None:
        """Submit all jobs at their times (seconds after `begun` on the loop's clock), and cancel those to cancel."""
        async with asyncio.TaskGroup() as tasks:
            for number, job in enumerate(jobs):
                tasks.create_task(self._play(job, begun, first=number))

    async def _play(self, job: JobPlan, begun: float, *, first: int) -> None:
        await asyncio.sleep(begun + job.at - asyncio.get_running_loop().time())
        submission = await self.submit(job, first=first)
        if job.cancel_after is not None and submission.accepted:
            await asyncio.sleep(job.cancel_after)
            await self._cancel(job, submission.accepted[-1], first=first)

    async def submit(self, job: JobPlan, *, first: int) -> Submission:
        """Try until there is a 202, each time at the next gateway, beginning with number `first`."""
        submission = Submission(job)
        self.submissions.append(submission)
        body = {"model": NAME, "input": _input_of(job), "tags": [job.tag]}
        headers = {"Idempotency-Key": job.tag}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not submission.accepted and time.monotonic() < deadline:
            answer = await self._post(job.account, "/v1/jobs", first, json=body, headers=headers)
            first += 1
            if answer is None:
                submission.unanswered += 1
            elif answer.status_code == 202:
                submission.accepted.append(answer.json()["id"])
                return submission
            else:
                submission.refused[answer.status_code] += 1
            await asyncio.sleep(PAUSE_SECONDS)
        return submission

    async def _cancel(self, job: JobPlan, job_id: str, *, first: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = await self._post(job.account, f"/v1/jobs/{job_id}/cancel", first)
            first += 1
            if answer is not None and answer.status_code == 200:
                told = answer.json()
                self.cancels.append(
                    Cancel(job=job_id, status=told["status"], attempt=told["attempt"], answered_at=time.time())
                )
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _post(self, account: str, path: str, number: int, **request: Any) -> httpx.Response | None:
        """The answer, or None if there was none."""
        gateway = self._stand.gateways[number % len(self._stand.gateways)]
        headers = {"X-API-Key": self._stand.accounts[account].key} | request.pop("headers", {})
        async with self._places:
            try:
                return await self._http.post(gateway.url + path, headers=headers, **request)
            except httpx.HTTPError:
                return None


def open_http() -> httpx.AsyncClient:
    """What `Clients` call with. To be closed."""
    return httpx.AsyncClient(timeout=ANSWER_SECONDS, limits=httpx.Limits(max_connections=2 * AT_ONCE))


def _input_of(job: JobPlan) -> dict[str, object]:
    how: dict[str, object] = {"seconds": job.seconds, "size_bytes": job.size_bytes}
    if job.fate in _FAILS:
        how["fail"] = _FAILS[job.fate]
    if job.fate is Fate.POISON:
        how["crash"] = True
    return how
