"""OAuth 2.0 client credentials: a key is exchanged for a token, and only our own tokens are believed."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2 as httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reelwork.domain.account import Scope, parse_key
from reelwork.store.signing_keys import SigningKeys
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

TOKEN = "/v1/oauth/token"
GRANT = {"grant_type": "client_credentials"}
Forge = Callable[..., str]


@pytest.fixture(scope="module")
def client(stack: Stack) -> Caller:
    return stack.caller("client")


@pytest.fixture(scope="module")
def signing(stack: Stack, client: Caller) -> tuple[str, Ed25519PrivateKey]:
    """The gateway's own signing key, as it lies in the database of a development stack."""
    token_of(client)
    with stack.documents() as database:
        found = database["signing_keys"].find_one({}, sort=[("generation", -1)])
    return found["_id"], Ed25519PrivateKey.from_private_bytes(bytes(found["private"]))


@pytest.fixture
def forge(client: Caller, signing: tuple[str, Ed25519PrivateKey]) -> Forge:
    """A token that is right in everything but what is named; None leaves a claim or header out."""

    def make(*, headers: Json | None = None, key: Any = None, alg: str = "EdDSA", **claims: Any) -> str:
        kid, private = signing
        now = datetime.now(UTC)
        account = jwt.decode(token_of(client), options={"verify_signature": False})["sub"]
        payload = {
            "iss": "reelwork",
            "aud": "reelwork-api",
            "sub": account,
            "client_id": id_of(client),
            "scope": "read",
            "iat": now,
            "nbf": now,
            "exp": now + timedelta(minutes=5),
            "jti": str(uuid.uuid4()),
        } | claims
        head = {"typ": "at+jwt", "kid": kid} | (headers or {})
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, private if key is None else key, algorithm=alg, headers=head)

    return make


def id_of(caller: Caller) -> str:
    credentials = parse_key(caller.key)
    assert credentials is not None
    return credentials.key_id


def token_of(caller: Caller, **form: str) -> str:
    answer = ask(caller, {**GRANT, "client_id": id_of(caller), "client_secret": caller.key, **form})
    return str(expect(200, answer)["access_token"])


def ask(caller: Caller, form: dict[str, str], **request: Any) -> httpx.Response:
    """By the form alone: the caller's own header is taken off."""
    request.setdefault("headers", {}).setdefault("Authorization", "")
    return caller.http.post(TOKEN, data=form, **request)


def test_a_token_does_what_its_key_does(client: Caller, stack: Stack):
    answer = ask(client, {**GRANT, "client_id": id_of(client), "client_secret": client.key})
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
        answer = ask(client, {**GRANT, "client_id": id_of(client), "client_secret": shown})
    else:
        encoded = base64.b64encode(f"{id_of(client)}:{shown}".encode()).decode()
        answer = ask(client, GRANT, headers={"Authorization": f"Basic {encoded}"})

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

    told = expect(200, ask(holder, {**GRANT, "client_id": key["id"], "client_secret": key["key"]}))

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
    answer = ask(client, {**right, **form} if form else GRANT)

    problem = expect(status, answer)
    assert problem["error"] == word
    assert problem["error_description"] == problem["detail"]
    assert answer.headers["cache-control"] == "no-store"
    assert status != 401 or answer.headers["www-authenticate"].startswith("Basic ")


def test_two_ways_at_once_and_fields_that_stand_twice_are_refused(client: Caller):
    encoded = base64.b64encode(f"{id_of(client)}:{client.key}".encode()).decode()
    both = ask(client, {**GRANT, "client_secret": client.key}, headers={"Authorization": f"Basic {encoded}"})
    form = f"grant_type=client_credentials&client_id={id_of(client)}&client_secret={client.key}&scope=read&scope=submit"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": ""}
    twice = client.http.post(TOKEN, content=form, headers=headers)

    assert [expect(400, answer)["error"] for answer in (both, twice)] == ["invalid_request"] * 2


@pytest.mark.parametrize(
    "header", ["Basic", "Basic x", "Basic !!!!", "Basic " + base64.b64encode(b"\xff:\xff").decode()]
)
def test_a_basic_header_that_is_none_is_refused(client: Caller, header: str):
    assert expect(401, ask(client, GRANT, headers={"Authorization": header}))["error"] == "invalid_client"


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
    answer = ask(client, GRANT, params={"client_id": id_of(client), "client_secret": client.key})

    assert expect(400, answer)["error"] == "invalid_request"


def test_a_right_token_is_believed(stack: Stack, forge: Forge):
    expect(200, stack.with_key(forge()).http.get("/v1/jobs"))


SOON, LONG_AGO = timedelta(minutes=10), timedelta(minutes=-10)
CLAIMS: list[tuple[Json, str]] = [
    ({"exp": LONG_AGO}, "expired_token"),
    ({"nbf": SOON}, "invalid_api_key"),
    ({"iat": SOON}, "invalid_api_key"),
    ({"aud": "another-api"}, "invalid_api_key"),
    ({"aud": ["reelwork-api", "another"]}, "invalid_api_key"),
    ({"iss": "https://issuer.example"}, "invalid_api_key"),
    ({"client_id": f"key_{'0' * 26}"}, "invalid_api_key"),
    ({"client_id": {"$gt": ""}}, "invalid_api_key"),
    ({"scope": "read everything"}, "invalid_api_key"),
    ({"scope": {"$gt": ""}}, "invalid_api_key"),
    *(
        ({name: None}, "invalid_api_key")
        for name in ("iss", "aud", "sub", "client_id", "scope", "iat", "nbf", "exp", "jti")
    ),
]


@pytest.mark.parametrize(("change", "code"), CLAIMS, ids=str)
def test_a_token_with_a_wrong_claim_is_refused(stack: Stack, forge: Forge, change: Json, code: str):
    claims = {
        name: datetime.now(UTC) + value if isinstance(value, timedelta) else value for name, value in change.items()
    }

    assert expect(401, stack.with_key(forge(**claims)).http.get("/v1/jobs"))["code"] == code


def test_a_token_of_another_account_for_this_key_is_refused(stack: Stack, forge: Forge):
    assert expect(401, stack.with_key(forge(sub=f"acct_{'0' * 26}")).http.get("/v1/jobs"))["code"] == "invalid_api_key"


HEADERS: list[Json] = [
    {"typ": "JWT"},
    {"typ": "jwt+at"},
    {"kid": "../../etc/passwd"},
    {"kid": f"sig_{'0' * 24}"},
    {"kid": "x" * 3000},
    {"jku": "https://keys.example/jwks.json"},
    {"x5u": "https://keys.example/chain.pem"},
    {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
    {"crit": ["exp"], "exp": 1},
    {"cty": "JWT"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: next(iter(headers)))
def test_a_token_with_another_header_is_refused(stack: Stack, forge: Forge, headers: Json):
    assert expect(401, stack.with_key(forge(headers=headers)).http.get("/v1/jobs"))["code"] == "invalid_api_key"


def test_a_token_that_brings_its_own_key_is_refused(stack: Stack, forge: Forge):
    own = Ed25519PrivateKey.generate()
    jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(own.public_key()))

    for headers in ({}, {"jwk": jwk}):
        assert stack.with_key(forge(key=own, headers=headers)).http.get("/v1/jobs").status_code == 401


def test_a_token_by_another_algorithm_is_refused(stack: Stack, forge: Forge, signing: tuple[str, Ed25519PrivateKey]):
    public = signing[1].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt", "kid": signing[0]}).encode())
    unsigned = ".".join([head.rstrip(b"=").decode(), forge().split(".")[1], ""])

    for token in (forge(key=public, alg="HS256"), unsigned, forge(key=b"s" * 64, alg="HS512")):
        assert expect(401, stack.with_key(token).http.get("/v1/jobs"))["code"] == "invalid_api_key"


def test_a_token_that_was_altered_or_cut_is_refused(stack: Stack, forge: Forge):
    head, payload, signature = forge().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    wider = (
        base64.urlsafe_b64encode(json.dumps(claims | {"scope": "read submit manage admin"}).encode())
        .decode()
        .rstrip("=")
    )

    for parts in (
        (head, wider, signature),
        (head, payload, ""),
        (head, payload, signature[:-8]),
        ("", "", ""),
        ("a", "b", "c"),
    ):
        assert expect(401, stack.with_key(".".join(parts)).http.get("/v1/jobs"))["code"] == "invalid_api_key"


def test_a_token_that_is_too_long_is_refused_unread(stack: Stack, forge: Forge):
    assert expect(401, stack.with_key(forge(jti="x" * 5000)).http.get("/v1/jobs"))["code"] == "invalid_api_key"


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
