"""Large CSV bodies lie in files while they come: so many at once, of one account and in all, and no more."""

import json
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

from gateway.services.series import FILES
from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

LARGE = b"value\n" + b"1.0\n" * 80_000
HALF = 300 * 1024
PATIENCE_SECONDS = 30


class Post:
    """A request that stops in the middle of its body."""

    def __init__(self, stack: Stack, caller: Caller, name: str) -> None:
        self.connection = HTTPConnection(urlsplit(stack.base_url).netloc, timeout=PATIENCE_SECONDS)
        self.connection.putrequest("POST", f"/v1/series?name={name}")
        self.connection.putheader("X-API-Key", caller.key or "")
        self.connection.putheader("Content-Type", "text/csv")
        self.connection.putheader("Content-Length", str(len(LARGE)))
        self.connection.endheaders(LARGE[:HALF])

    def fileno(self) -> int:
        return self.connection.sock.fileno()

    def refused(self) -> tuple[HTTPResponse, Json]:
        answer = self.connection.getresponse()
        return answer, json.loads(answer.read())

    def finish(self) -> int:
        self.connection.send(LARGE[HALF:])
        return self.connection.getresponse().status


@contextmanager
def posts(stack: Stack, callers: Sequence[Caller], name: str) -> Iterator[list[Post]]:
    with ExitStack() as closing:
        begun = [Post(stack, caller, f"{name}-{number}") for number, caller in enumerate(callers)]
        for post in begun:
            closing.callback(post.connection.close)
        yield begun


def answered(begun: Sequence[Post], count: int) -> list[Post]:
    """Those that have an answer, as soon as there are so many."""
    done: list[Post] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while len(done) < count:
        readable = select.select([post for post in begun if post not in done], [], [], until - time.monotonic())[0]
        assert readable, f"only {len(done)} of {len(begun)} were answered, not {count}"
        done += readable
    return done


def test_an_account_sends_one_large_csv_at_a_time_and_small_ones_beside(stack: Stack):
    caller = stack.caller("one large file at once")

    with posts(stack, [caller] * 3, "own") as begun:
        refused = answered(begun, 2)
        problems = [post.refused() for post in refused]
        small = caller.http.post("/v1/series?name=small", content=b"value\n1.0\n", headers={"Content-Type": "text/csv"})
        uploaded = caller.upload(pictures.picture(size=(8, 8)))
        (held,) = [post for post in begun if post not in refused]
        finished = held.finish()

    assert [(answer.status, problem["code"]) for answer, problem in problems] == [(429, "rate_limited")] * 2
    assert all(int(answer.headers["retry-after"]) > 0 for answer, _ in problems)
    assert expect(201, small)["length"] == 1
    assert uploaded["id"].startswith("asset_")
    assert finished == 201
    again = caller.http.post("/v1/series?name=again", content=LARGE, headers={"Content-Type": "text/csv"})
    assert expect(201, again)["length"] == 80_000
    assert len(expect(200, caller.http.get("/v1/series"))["items"]) == 3, "nothing of what was refused"


def test_all_accounts_send_so_many_and_one_more_is_to_come_later(stack: Stack):
    callers = [stack.caller(f"large files of account {number}") for number in range(FILES + 1)]

    with posts(stack, callers, "all") as begun:
        (refused,) = answered(begun, 1)
        answer, problem = refused.refused()
        uploaded = callers[0].upload(pictures.picture(size=(8, 8)))
        finished = [post.finish() for post in begun if post is not refused]

    assert (answer.status, problem["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert uploaded["id"].startswith("asset_")
    assert finished == [201] * FILES
