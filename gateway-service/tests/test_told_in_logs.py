"""What logs never hold: secrets, however they came in; and that nobody's text can pretend to be a line of ours."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest

from testkit.caller import Caller, expect
from testkit.credentials import token_of
from testkit.pictures import picture
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

CANARY = "kanarienvogel"  # in secrets that a caller made up
BROKER_PASSWORD = "brokerpasswort"
REDIS_PASSWORD = "redispasswort"
SIGNING_SECRET = "signaturgeheimnis-von-mehr-als-32-zeichen"

pytestmark = pytest.mark.security


@pytest.fixture(scope="module", params=["one process", "a gateway whose broker is away"])
def talkative(request: pytest.FixtureRequest, mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    """A stack that logs all it can."""
    away = f"amqp://reelwork:{BROKER_PASSWORD}@127.0.0.1:1/%2F" if request.param != "one process" else None
    servers = Servers(mongo_url=mongo_url, s3=s3, amqp_url=away)
    settings = {
        "log_level": "debug",
        "redis_url": f"redis://:{REDIS_PASSWORD}@127.0.0.1:1/0",
        "signing_secret": SIGNING_SECRET,
    }
    with running_stack(servers, workers=0 if away else 1, **settings) as stack:
        yield stack


def _story(stack: Stack) -> set[str]:
    """Everything that a caller does with secrets; the secrets that came of it."""
    owner = stack.owner
    asset = owner.upload(picture(size=(8, 8)))
    if not stack.is_distributed:
        job = owner.submit(job={"tags": ["story"]})["id"]
        owner.wait(job)
        owner.http.get(f"/v1/jobs/{job}", params={"access_token": CANARY})
        owner.events(job)
    owner.http.post("/v1/jobs", json={"model": "testkit/noop"}, headers={"Idempotency-Key": "once"})
    link = owner.http.get(f"/v1/assets/{asset['id']}/content").headers["location"]
    httpx.get(link)
    (signature,) = parse_qs(urlsplit(link).query)["X-Amz-Signature"]
    nobody = stack.with_key(None)
    for rest in ("", "/and-more", "%0Aand-more"):  # the token of a provider's webhook, and what no route is at
        nobody.http.post(f"/v1/providers/acme/webhook/job_x/{CANARY}{rest}")
    for headers in (
        {"Authorization": f"Bearer {CANARY}"},
        {"Authorization": f"Bearer eyJhbGciOiJub25lIn0.{CANARY}."},
        {"Authorization": f"Basic {CANARY}"},
        {"X-API-Key": f"rw_{CANARY}_{CANARY}"},
        {"X-API-Key": f"{owner.key[:-1]}{CANARY}"},
        {"Cookie": f"session={CANARY}"},
    ):
        assert nobody.http.get("/v1/jobs", headers=headers).status_code == 401
    nobody.http.get(f"/v1/jobs?api_key={CANARY}&ticket={CANARY}")
    httpx.get(f"http://user:{CANARY}@127.0.0.1:{stack.port}/v1/jobs")
    return {owner.key.rpartition("_")[2], signature, *_given_for_a_key(stack, owner)}


def _given_for_a_key(stack: Stack, owner: Caller) -> Iterator[str]:
    """A second key, a token, two tickets, each used as it is meant and as it is not; what webhooks are signed with."""
    key = str(expect(201, owner.http.post("/v1/keys", json={"name": "story", "preset": "observer"}))["key"])
    token = token_of(owner)
    used, unused = (str(expect(201, owner.http.post("/v1/stream-tickets"))["ticket"]) for _ in range(2))
    for shown in (key, token):
        expect(200, stack.with_key(shown).http.get("/v1/jobs"))
        assert stack.with_key(f"{shown}x").http.get("/v1/jobs").status_code == 401
        assert stack.with_key(None).http.get("/v1/jobs", params={"access_token": shown}).status_code == 400
    for _ in range(2):
        stack.with_key(None).http.get("/v1/jobs/job_x/events", params={"ticket": used})
    stack.with_key(None).http.get("/v1/jobs", params={"ticket": unused})
    yield str(expect(200, owner.http.get("/v1/webhooks/signing-secret"))["secret"]).removeprefix("whsec_")
    yield from (key.rpartition("_")[2], *token.split(".")[1:], used.rpartition("_")[2], unused.rpartition("_")[2])


def test_no_secret_is_logged_or_stored_at_whatever_level(talkative: Stack):
    made = _story(talkative)
    secrets = made | {CANARY, BROKER_PASSWORD, REDIS_PASSWORD, SIGNING_SECRET, "X-Amz-Signature", "Bearer "}
    until(lambda: "request.answered" in talkative.logs())  # it does log

    lines, stored = talkative.logs(), _stored(talkative)

    assert {secret for secret in secrets if secret in lines} == set()
    assert {secret for secret in made | {CANARY, REDIS_PASSWORD, SIGNING_SECRET} if secret in stored} == set()
    assert len(stack_secret := talkative._bucket.secret_key) > 12  # what is shorter may stand anywhere
    assert stack_secret not in lines + stored


def _stored(stack: Stack) -> str:
    with stack.documents() as database:
        return "".join(str(found) for name in database.list_collection_names() for found in database[name].find())


FORGED = [
    "a\r\nb",
    'x"}\r\n{"event":"key.created","level":"info"}',
    "\x1b[31mred\x1b[0m",
    "\x00\x07\x7f",
    "\u2028\u2029\u0085",
    "{}{event}%s%(event)s",
    "\U0001f600",
]


@pytest.mark.parametrize("text", FORGED, ids=ascii)
def test_nobody_writes_a_line_of_their_own(stack: Stack, owner: Caller, nobody: Caller, text: str):
    before = len(stack.logs())
    encoded = "".join(f"%{byte:02x}" for byte in text.encode())

    nobody.http.get(f"/v1/errors/{encoded}")
    owner.http.get(f"/v1/jobs/{encoded}")
    owner.http.delete(f"/v1/assets/{encoded}")
    owner.http.post("/v1/assets", files={"file": (text, b"no picture")})
    owner.submit(job={"metadata": {"a": text.replace("\x00", "")}})
    expect(200, nobody.http.get("/healthz"))

    for line in stack.logs()[before:].splitlines():
        told = json.loads(line)
        assert told["event"] != "key.created"
        assert "\x1b" not in line
        assert "\u2028" not in line
