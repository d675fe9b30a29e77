"""What a key is bound to: models, addresses, and what its maker has."""

from collections.abc import Callable

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.credentials import id_of
from testkit.stack import Stack

pytestmark = pytest.mark.security

KEYS = "/v1/keys"


@pytest.mark.parametrize("name", ["builtin/*", "testkit/noop2", "builtin/landscape"])
def test_a_key_is_bound_to_its_models(keeper: Caller, made: Callable[..., Caller], name: str):
    caller = made(models=[name])
    job = {"model": "testkit/noop", "input": {}}

    refused = expect(403, caller.http.post("/v1/jobs", json=job))
    rejected = expect(422, caller.http.post("/v1/batches", json={"items": [job]}))
    several = expect(403, caller.http.post("/v1/jobs/bulk", json={"action": "retry", "ids": [f"job_{'0' * 26}"]}))
    done = keeper.wait(keeper.submit()["id"])
    again = expect(403, caller.http.post(f"/v1/jobs/{done['id']}/retry"))

    assert (refused["code"], refused["errors"][0]["pointer"]) == ("permission_denied", "#/model")
    assert rejected["errors"][0]["pointer"] == "#/items/0/model"
    assert (several["code"], again["code"]) == ("permission_denied", "permission_denied")


def test_a_key_may_use_models_behind_its_prefix(made: Callable[..., Caller]):
    made(models=["testkit/*"]).submit("testkit/noop")


@pytest.mark.parametrize(("allowed", "status"), [("127.0.0.0/8", 200), ("127.0.0.1", 200), ("192.0.2.0/24", 403)])
def test_a_key_works_from_its_addresses_only(made: Callable[..., Caller], allowed: str, status: int):
    answer = made(allowed_ips=["2001:db8::/32", allowed]).http.get("/v1/jobs")

    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "permission_denied"


MORE: list[tuple[Json, Json, str]] = [
    ({"preset": "operator"}, {"preset": "admin"}, "scopes"),
    ({"models": ["testkit/*"]}, {"models": []}, "models"),
    ({"models": ["testkit/*"]}, {"models": ["testkit/noop", "builtin/*"]}, "models"),
    ({"models": ["testkit/noop"]}, {"models": ["testkit/*"]}, "models"),
    ({"allowed_ips": ["127.0.0.0/8"]}, {"allowed_ips": []}, "allowed_ips"),
    ({"allowed_ips": ["127.0.0.0/8"]}, {"allowed_ips": ["127.0.0.1", "0.0.0.0/0"]}, "allowed_ips"),
    ({"allowed_ips": ["127.0.0.0/8"]}, {"allowed_ips": ["::/0"]}, "allowed_ips"),
    ({"expires_at": "2037-01-01T00:00:00Z"}, {}, "expires_at"),
    ({"expires_at": "2037-01-01T00:00:00Z"}, {"expires_at": "2037-01-02T00:00:00Z"}, "expires_at"),
    ({"spend_cap": "1.00"}, {"spend_cap": "0.50"}, "spend_cap"),
]


@pytest.mark.parametrize(("own", "wanted", "field"), MORE)
def test_a_key_gives_no_more_than_it_has(made: Callable[..., Caller], own: Json, wanted: Json, field: str):
    maker = made(**own)

    refused = expect(403, maker.http.post(KEYS, json={"name": "more", "preset": "operator", **wanted}))

    assert (refused["code"], refused["errors"][0]["pointer"]) == ("permission_denied", f"#/{field}")


def test_a_key_within_its_makers_bounds_can_be_made(made: Callable[..., Caller]):
    maker = made(models=["testkit/*"], allowed_ips=["127.0.0.0/8"], expires_at="2037-01-01T00:00:00Z")

    made(
        maker,
        preset="observer",
        models=["testkit/noop"],
        allowed_ips=["127.0.0.1"],
        expires_at="2036-01-01T00:00:00+00:00",
    )


def test_a_lesser_key_cannot_get_hold_of_a_greater_one_but_can_stop_it(stack: Stack):
    admin = stack.caller("greater", scopes=frozenset(Scope))
    lesser = stack.caller("greater")
    address = f"{KEYS}/{id_of(admin)}"

    assert expect(403, lesser.http.post(f"{address}/rotate"))["code"] == "permission_denied"
    assert expect(403, lesser.http.patch(address, json={"name": "mine"}))["code"] == "permission_denied"
    assert lesser.http.delete(address).status_code == 204
