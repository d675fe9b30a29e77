"""The limit of an upload is the setting's, whichever it is, and every refusal names it."""

from collections.abc import Iterator

import pytest

from testkit import pictures
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

pytestmark = pytest.mark.security

MIB = 1024 * 1024


@pytest.fixture(scope="module", params=[1, 40], ids=["lowered to 1 MiB", "raised to 40 MiB"])
def limited(request: pytest.FixtureRequest, mongo_url: str, s3: S3Service) -> Iterator[tuple[Stack, int]]:
    servers = Servers(mongo_url=mongo_url, s3=s3)
    with running_stack(servers, workers=0, upload_limit_bytes=request.param * MIB) as stack:
        yield stack, request.param


def test_a_picture_of_just_the_limit_is_taken(limited: tuple[Stack, int]) -> None:
    stack, mib = limited

    answer = stack.owner.http.post("/v1/assets", files={"file": pictures.padded(mib * MIB)})

    assert answer.status_code == 201
    assert answer.json()["bytes"] == mib * MIB


@pytest.mark.parametrize(
    ("address", "above"),
    [("/v1/assets", 1), ("/v1/assets", 2 * MIB), ("/api/v1/task", 2 * MIB)],
    ids=["by a byte", "by more than a form takes", "there as well"],
)
def test_a_larger_one_is_refused_with_the_limit_named(limited: tuple[Stack, int], address: str, above: int) -> None:
    stack, mib = limited

    answer = stack.owner.http.post(address, files={"file": pictures.padded(mib * MIB + above)})

    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert f"{mib} MiB" in answer.json()["errors"][0]["detail"]
