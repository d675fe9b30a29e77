"""OAuth 2.0 client credentials: a key is exchanged for a token, which lives shortly and does what the key does."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from reelwork.domain.account import Scope
from reelwork.store.signing_keys import SigningKeys
from testkit.caller import Caller, expect
from testkit.credentials import GRANT, TOKEN, ask_token, id_of, token_of
from testkit.stack import Stack
from testkit.waiting import until

pytestmark = pytest.mark.security


@pytest.fixture(scope="module")
def client(stack: Stack) -> Caller:
    return stack.caller("client")


def test_a_token_does_what_its_key_does(client: Caller, stack: Stack):
    answer = ask_token(client, {**GRANT, "client_id": id_of(client), "client_secret": client.key})
    told = expect(200, answer)

    holder = stack.with_key(told["access_token"])

    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 900, "manage read submit")
    assert answer.headers["cache-control"] == "no-store"
    holder.submit()
    assert expect(200, stack.with_key(None).http.get("/v1/jobs", headers={"X-API-Key": told["access_token"]}))["items"]


def test_a_token_is_what_the_standards_say(client: Caller):
    keys = expect(200, client.http.get("/.well-known/jwks.json"))["keys"]
    token = token_of(client)

    header = jwt.get_unverified_header(token)
    (own,) = [key for key in keys if key["kid"] == header["kid"]]
    claims = jwt.decode(
        token, key=jwt.PyJWK.from_dict(own).key, algorithms=["EdDSA"], audience="reelwork-api", issuer="reelwork"
    )

    assert (header["typ"], header["alg"], own["kty"], own["crv"], own["use"]) == (
        "at+jwt",
        "EdDSA",
        "OKP",
        "Ed25519",
        "sig",
    )
    assert claims.keys() == {"iss", "aud", "sub", "client_id", "scope", "iat", "nbf", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 900
    assert claims["sub"].startswith("acct_")
    assert not any("d" in key for key in keys)


@pytest.mark.parametrize("secret", ["whole", "last part"])
@pytest.mark.parametrize("way", ["form", "basic"])
def test_the_key_is_shown_in_the_form_or_by_basic(client: Caller, secret: str, way: str):
    shown = client.key if secret == "whole" else client.key.rsplit("_", 1)[1]
    if way == "form":
        answer = ask_token(client, {**GRANT, "client_id": id_of(client), "client_secret": shown})
    else:
        encoded = base64.b64encode(f"{id_of(client)}:{shown}".encode()).decode()
        answer = ask_token(client, GRANT, headers={"Authorization": f"Basic {encoded}"})

    expect(200, answer)


def test_a_token_can_be_for_less_than_the_key(client: Caller, stack: Stack):
    token = token_of(client, scope="read")

    holder = stack.with_key(token)

    expect(200, holder.http.get("/v1/jobs"))
    assert expect(403, holder.http.post("/v1/jobs", json={"model": "testkit/noop", "input": {}}))["code"] == (
        "scope_missing"
    )


def test_a_token_says_no_more_than_its_key_may_by_now(stack: Stack, client: Caller):
    key = expect(201, client.http.post("/v1/keys", json={"name": "t", "preset": "operator"}))
    holder = stack.with_key(token_of(stack.with_key(key["key"])))
    expect(200, holder.http.get("/v1/jobs"))

    expect(200, client.http.patch(f"/v1/keys/{key['id']}", json={"scopes": ["submit"]}))

    assert expect(403, holder.http.get("/v1/jobs"))["code"] == "scope_missing"


def test_revoking_the_key_ends_its_tokens(stack: Stack, client: Caller):
    key = expect(201, client.http.post("/v1/keys", json={"name": "t", "preset": "observer"}))
    holder = stack.with_key(token_of(stack.with_key(key["key"])))
    expect(200, holder.http.get("/v1/jobs"))

    client.http.delete(f"/v1/keys/{key['id']}")

    assert expect(401, holder.http.get("/v1/jobs"))["code"] == "invalid_api_key"


def test_a_token_lives_no_longer_than_its_key(stack: Stack, client: Caller):
    ends = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    key = expect(201, client.http.post("/v1/keys", json={"name": "t", "preset": "observer", "expires_at": ends}))
    holder = stack.with_key(key["key"])

    told = expect(200, ask_token(holder, {**GRANT, "client_id": key["id"], "client_secret": key["key"]}))

    assert 100 <= told["expires_in"] <= 120


FORMS: list[tuple[dict[str, str], int, str]] = [
    ({}, 401, "invalid_client"),
    ({"grant_type": ""}, 400, "invalid_request"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
    ({"scope": "admin"}, 400, "invalid_scope"),
    ({"scope": "read everything"}, 400, "invalid_scope"),
    ({"scope": "read  submit"}, 400, "invalid_scope"),
    ({"client_secret": "x"}, 401, "invalid_client"),
    ({"client_secret": ""}, 401, "invalid_client"),
    ({"client_id": f"key_{'0' * 26}"}, 401, "invalid_client"),
    ({"client_id": "$ne"}, 401, "invalid_client"),
]


@pytest.mark.parametrize(("form", "status", "word"), FORMS)
def test_a_refusal_has_the_word_of_the_standard(client: Caller, form: dict[str, str], status: int, word: str):
    right = {**GRANT, "client_id": id_of(client), "client_secret": client.key}
    answer = ask_token(client, {**right, **form} if form else GRANT)

    problem = expect(status, answer)
    assert problem["error"] == word
    assert problem["error_description"] == problem["detail"]
    assert answer.headers["cache-control"] == "no-store"
    assert status != 401 or answer.headers["www-authenticate"].startswith("Basic ")


def test_two_ways_at_once_and_fields_that_stand_twice_are_refused(client: Caller):
    encoded = base64.b64encode(f"{id_of(client)}:{client.key}".encode()).decode()
    both = ask_token(client, {**GRANT, "client_secret": client.key}, headers={"Authorization": f"Basic {encoded}"})
    form = f"grant_type=client_credentials&client_id={id_of(client)}&client_secret={client.key}&scope=read&scope=submit"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": ""}
    twice = client.http.post(TOKEN, content=form, headers=headers)

    assert [expect(400, answer)["error"] for answer in (both, twice)] == ["invalid_request"] * 2


@pytest.mark.parametrize(
    "header", ["Basic", "Basic x", "Basic !!!!", "Basic " + base64.b64encode(b"\xff:\xff").decode()]
)
def test_a_basic_header_that_is_none_is_refused(client: Caller, header: str):
    assert expect(401, ask_token(client, GRANT, headers={"Authorization": header}))["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", json.dumps(GRANT), 415),
        ("application/x-www-form-urlencoded", "\xff", 400),
        ("application/x-www-form-urlencoded", "a" * 20_000, 413),
        ("application/x-www-form-urlencoded", "&".join(f"a{n}=1" for n in range(50)), 400),
        ("application/x-www-form-urlencoded", "", 401),
    ],
)
def test_a_body_that_is_no_form_is_refused(client: Caller, kind: str, body: str, status: int):
    headers = {"Content-Type": kind, "Authorization": ""}
    answer = client.http.post(TOKEN, content=body.encode("latin-1"), headers=headers)

    assert answer.status_code == status


def test_no_key_is_taken_from_the_address(client: Caller):
    answer = ask_token(client, GRANT, params={"client_id": id_of(client), "client_secret": client.key})

    assert expect(400, answer)["error"] == "invalid_request"


def test_a_token_of_a_withdrawn_signing_key_is_worth_nothing(stack: Stack, client: Caller):
    holder = stack.with_key(token_of(client))
    expect(200, holder.http.get("/v1/jobs"))

    stack.on_database(lambda database: SigningKeys(database).remove())

    until(lambda: holder.http.get("/v1/jobs").status_code == 401)
    expect(200, stack.with_key(token_of(client)).http.get("/v1/jobs"))


def test_a_retired_signing_key_is_published_until_its_tokens_are_dead(stack: Stack, client: Caller):
    holder = stack.with_key(token_of(client))

    stack.on_database(lambda database: SigningKeys(database).retire())
    later = token_of(client)

    published = {key["kid"] for key in expect(200, client.http.get("/.well-known/jwks.json"))["keys"]}
    kids = [jwt.get_unverified_header(token)["kid"] for token in (holder.key, later)]
    assert len(set(kids)) == 2
    assert set(kids) <= published
    expect(200, holder.http.get("/v1/jobs"))


def test_an_admins_token_may_do_what_admins_do(stack: Stack):
    admin = stack.caller("token-admin", scopes=frozenset(Scope))

    expect(200, stack.with_key(token_of(admin)).http.get("/v1/admin/workers"))
