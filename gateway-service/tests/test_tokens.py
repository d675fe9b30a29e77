"""Only our own tokens are believed: whatever is forged, altered or borrowed is refused."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testkit.caller import Caller, Json, expect
from testkit.credentials import id_of, token_of
from testkit.stack import Stack

pytestmark = pytest.mark.security

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
