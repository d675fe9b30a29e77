"""Five hundred jobs, quotas and credit near their end, workers and gateway killed at random: the books are right."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2 as httpx
import pytest

from reelwork.domain.job import TERMINAL
from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = pytest.mark.slow

SEED = 11
JOBS = 500
SENDERS = 16
KILLS = 8
PATIENCE = timedelta(seconds=120)
NOOP = "testkit/noop"
# Less than what is asked of them: 125 jobs each, at five cents, of which about a half gives it back.
QUOTAS = {Tier.DEVELOPER: 40, Tier.PRO: 45}
CREDIT = {"quota": "50", "both": "2.00", "credit": "1.52", "plenty": "50"}
TIER = {"quota": Tier.DEVELOPER, "both": Tier.PRO, "credit": Tier.ENTERPRISE, "plenty": Tier.ENTERPRISE}
INPUTS: list[Json] = [{}, {}, {"seconds": 0.1}, {"fail": "fatal"}, {"fail": "retryable"}]


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service, amqp_url: str) -> Iterator[Stack]:
    often = {"requests_per_minute": 10_000_000}
    tiers = {tier: often | ({"jobs_per_day": QUOTAS[tier]} if tier in QUOTAS else {}) for tier in Tier}
    prices = {NOOP: {"base": "0.05"}}
    servers = Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url)
    with running_stack(servers, workers=2, tiers=json.dumps(tiers), prices=json.dumps(prices)) as running:
        yield running


@dataclass
class Storm:
    """What was asked and answered."""

    stack: Stack
    owners: dict[str, Caller]
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311
    over: threading.Event = field(default_factory=threading.Event)

    def kill(self) -> None:
        """The gateway and the workers, again and again, until it is over."""
        for _ in range(KILLS):
            if self.over.wait(self.chance.uniform(0.2, 1.2)):
                return
            if self.chance.random() < 0.5:
                self.stack.gateway.kill()
                self.stack.gateway.start()
            else:
                victim = self.chance.choice([worker for worker in self.stack.workers if worker.running])
                victim.kill()
                victim.start()

    def ask(self, number: int) -> tuple[str, int, str]:
        """Submit a job under a key of its own until it is answered; some are cancelled, some queued again."""
        chance = random.Random(SEED * JOBS + number)  # noqa: S311
        name = list(self.owners)[number % len(self.owners)]
        body = {"model": NOOP, "input": chance.choice(INPUTS), "cache": "off", "retry": {"max_attempts": 2}}
        answer = self._insist(name, "/v1/jobs", body, key=f"job {number}")
        if answer.status_code == 202 and chance.random() < 0.3:
            address = f"/v1/jobs/{answer.json()['id']}"
            self._insist(name, f"{address}/cancel", None, key="")
            if chance.random() < 0.5:
                self._insist(name, f"{address}/retry", None, key=f"again {number}")
        return name, answer.status_code, answer.json().get("code", "")

    def _insist(self, name: str, path: str, body: Json | None, *, key: str) -> httpx.Response:
        answers = list[httpx.Response]()
        headers = {"Idempotency-Key": key} if key else {}

        def answered() -> bool:
            try:
                answers.append(self.owners[name].http.post(path, json=body, headers=headers, timeout=10))
            except httpx.TransportError:
                return False
            return answers[-1].status_code != 503 and answers[-1].json().get("code") != "idempotency_in_progress"

        until(answered, within=PATIENCE, every=timedelta(milliseconds=200))
        return answers[-1]


@pytest.mark.timeout(300)
def test_whoever_is_killed_balances_are_sums_nothing_is_overdrawn_and_nothing_charged_twice(stack: Stack):
    owners = {name: stack.caller(name, tier=tier) for name, tier in TIER.items()}
    for name, dollars in CREDIT.items():
        stack.credit(name, dollars)
    storm = Storm(stack, owners)

    with ThreadPoolExecutor(SENDERS + 1) as threads:
        killing = threads.submit(storm.kill)
        answers = list(threads.map(storm.ask, range(JOBS)))
        storm.over.set()
        killing.result()
    stack.check_books()
    until(lambda: all_ended(stack), within=PATIENCE, every=timedelta(seconds=0.5))
    let_a_minute_pass(stack)
    until(lambda: all_settled(stack), within=PATIENCE, every=timedelta(seconds=0.5))

    stack.check_books(settled=True)
    counts = Counter(answers)
    assert counts["plenty", 202, ""] == JOBS // len(TIER), "whoever can pay is served, whatever dies"
    assert {(name, code) for name, status, code in counts if status != 202} == {
        ("quota", "quota_exceeded"),
        ("credit", "insufficient_credits"),
        *((name, code) for name, status, code in counts if name == "both" and status != 202),
    }
    check_bounds(stack)


def all_ended(stack: Stack) -> bool:
    ends = [status.value for status in TERMINAL]
    with stack.documents() as database:
        return database["jobs"].find_one({"status": {"$nin": ends}}) is None


def let_a_minute_pass(stack: Stack) -> None:
    """For whatever a killed gateway reserved and never stored a job for; no request is under way any more."""
    earlier = {"$mergeObjects": ["$$this", {"at": {"$subtract": ["$$this.at", 120_000]}}]}
    with stack.documents() as database:
        database["balances"].update_many(
            {"open": True}, [{"$set": {"outbox": {"$map": {"input": "$outbox", "in": earlier}}}}]
        )


def all_settled(stack: Stack) -> bool:
    """Every bill is settled, every outbox empty."""
    with stack.documents() as database:
        due = database["jobs"].find_one({"bill.due": True})
        return due is None and database["balances"].find_one({"open": True}) is None


def check_bounds(stack: Stack) -> None:
    """As the jobs themselves tell it: nobody completed more than could be paid, or than the quota allows."""
    with stack.documents() as database:
        names = {account["_id"]: account["name"] for account in database["accounts"].find()}
        completed = Counter(names[job["account_id"]] for job in database["jobs"].find({"status": "completed"}))
        charges = Counter(entry["job_id"] for entry in database["ledger"].find({"kind": "charge"}))
        spent = {names[balance["_id"]]: balance["spent"] for balance in database["balances"].find()}
    assert max(charges.values()) == 1
    assert len(charges) == sum(completed.values())
    assert {name: completed[name] * 500 for name in TIER} == {name: spent[name] for name in TIER}
    assert completed["credit"] <= 30, "1.52 dollars, at five cents each"
    assert completed["both"] <= 40
    assert completed["quota"] <= QUOTAS[Tier.DEVELOPER]
