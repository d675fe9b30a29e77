"""One Reelwork for the tests of the gateway, gateway and worker in one process; real HTTP, MongoDB and S3."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import httpx2 as httpx
import pytest

from gateway.services.webhooks.secrets import Secrets
from reelwork.domain.account import Scope
from reelwork.domain.lane import LaneTerms
from testkit.caller import Caller, expect
from testkit.internet import Wire
from testkit.post import Post
from testkit.receiver import running_receiver
from testkit.services import S3Service, fresh_database
from testkit.stack import Servers, Stack, running_stack
from testkit.uploads import MIB, PART
from testkit.world import World, open_world


@pytest.fixture(scope="session")
def stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    policy = {"prohibited_terms": '["unspeakable"]', "input_policies": '["testkit.policies.no_unlucky_seed"]'}
    stand_ins = {
        "model_modules": "testkit.models,testkit.clips",
        "luma_model": "testkit/clip",
        "luma_page_model": "testkit/page",
    }
    uploads = {"multipart_bytes": 8 * MIB, "part_bytes": PART, "uploads_per_account": 3}
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), **policy, **stand_ins, **uploads) as running:
        yield running


@pytest.fixture(scope="session")
def owner(stack: Stack) -> Caller:
    """The owner of an account, with a key that may do everything."""
    return stack.owner


@pytest.fixture(scope="session")
def stranger(stack: Stack) -> Caller:
    """The owner of another account."""
    return stack.caller("stranger")


@pytest.fixture(scope="session")
def nobody(stack: Stack) -> Caller:
    """Somebody without a key."""
    return stack.with_key(None)


@pytest.fixture(scope="session")
def keeper(stack: Stack) -> Caller:
    """The owner of an account whose keys are made and unmade."""
    return stack.caller("keeper")


@pytest.fixture(scope="session")
def made(stack: Stack, keeper: Caller) -> Callable[..., Caller]:
    """Makes a caller with a new key, by the keeper's key or another one."""

    def make(maker: Caller = keeper, **body: object) -> Caller:
        wanted = {"name": "made", "preset": "operator", **body}
        return stack.with_key(expect(201, maker.http.post("/v1/keys", json=wanted))["key"])

    return make


@pytest.fixture(scope="session")
def almighty(stack: Stack) -> Caller:
    """Somebody whom no route refuses for want of a scope."""
    return stack.caller("almighty", scopes=frozenset(Scope))


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def uploader(stack: Stack, numbers: Iterator[int]) -> Caller:
    """Somebody new, with nothing uploaded."""
    return stack.caller(f"uploader {next(numbers)}")


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """Somebody without a key, for signed addresses."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
async def post_world(mongo_url: str) -> AsyncIterator[World]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as opened:
            yield opened


@pytest.fixture
async def post(post_world: World) -> AsyncIterator[Post]:
    """An empty world, and what carries its webhooks."""
    with running_receiver() as receiver:
        yield Post(post_world, receiver, Wire(receiver), Secrets("s" * 32))
    await post_world.clear()


@pytest.fixture
async def lane(post: Post) -> LaneTerms:
    """Of an account of that world."""
    return await post.world.joined()
