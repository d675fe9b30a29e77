"""Bad input to POST /v1/jobs: each is refused by a problem that names the place and the cure, and nothing is stored."""

import gzip
import json
from dataclasses import dataclass

import pytest

from testkit.caller import Caller, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security

NOOP = "testkit/noop"
FILM = "builtin/camera-move"
LONGEST_ANSWER = 16_000  # bytes: however large the question


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A body, and how it is refused: `at` is the pointer of the first fault."""

    body: object
    status: int
    code: str
    at: str = "#"
    content_type: str | None = "application/json"


def _invalid(body: object, at: str) -> Bad:
    return Bad(body=body, status=422, code="invalid_input", at=at)


def _unreadable(body: object) -> Bad:
    return Bad(body=body, status=400, code="invalid_request")


def _foreign(content_type: str | None) -> Bad:
    return Bad(
        body={"model": NOOP},
        status=415,
        code="unsupported_media_type",
        at="header:content-type",
        content_type=content_type,
    )


def _seconds(text: str) -> str:
    return f'{{"model":"{NOOP}","input":{{"seconds":{text}}}}}'


def _film(**values: object) -> dict[str, object]:
    return {"model": FILM, "input": {"image": "asset_x", **values}}


NOT_JSON = {
    "a word": _unreadable("hello"),
    "cut short": _unreadable('{"model": "testkit/noop"'),
    "a comma too many": _unreadable('{"model":"testkit/noop",}'),
    "a comment": _unreadable('{"model":"testkit/noop"} // please'),
    "two objects": _unreadable('{"model":"testkit/noop"}{}'),
    "single quotes": _unreadable("{'model':'testkit/noop'}"),
    "a form": _unreadable("model=testkit/noop"),
    "UTF-16": _unreadable('{"model":"testkit/noop"}'.encode("utf-16")),
    "UTF-16 without a mark": _unreadable('{"model":"testkit/noop"}'.encode("utf-16-le")),
    "UTF-32": _unreadable('{"model":"testkit/noop"}'.encode("utf-32")),
    "a byte order mark": _unreadable(b'\xef\xbb\xbf{"model":"testkit/noop"}'),
    "broken UTF-8": _unreadable(b'{"model":"testkit/noop","tags":["\xff"]}'),
    "gzip": _unreadable(gzip.compress(b'{"model":"testkit/noop"}')),
    "a name twice": _unreadable('{"model":"builtin/landscape","model":"testkit/noop"}'),
    "a name twice inside": _unreadable(_seconds('1,"seconds":2')),
    "100,000 levels of lists": _unreadable(_seconds("[" * 100_000 + "]" * 100_000)),
    "33 levels of lists": _unreadable(_seconds("[" * 31 + "]" * 31)),
    "33 levels of objects": _unreadable(_seconds('{"a":' * 31 + "1" + "}" * 31)),
    "900 levels of objects": _unreadable(_seconds('{"a":' * 900 + "1" + "}" * 900)),
    "an integer of 5,000 digits": _unreadable(_seconds("1" + "0" * 5000)),
    **{
        f"{text} for a number": _unreadable(_seconds(text))
        for text in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999")
    },
}

NOT_AN_OBJECT = {
    "nothing": _invalid(b"", "#"),
    "null": _invalid("null", "#"),
    "a list": _invalid("[]", "#"),
    "a text": _invalid('"testkit/noop"', "#"),
    "a number": _invalid("1", "#"),
    "true": _invalid("true", "#"),
}

NOT_SAID_TO_BE_JSON = {
    "plain text": _foreign("text/plain"),
    "a form": _foreign("application/x-www-form-urlencoded"),
    "multipart": _foreign("multipart/form-data; boundary=x"),
    "XML": _foreign("application/xml"),
    "a picture": _foreign("image/png"),
    "another charset": _foreign("application/json; charset=utf-16"),
    "garbage": _foreign(";;;"),
    "nothing": _foreign(None),
}

MODEL = {
    "missing": _invalid({"input": {}}, "#/model"),
    "a number": _invalid({"model": 5}, "#/model"),
    "null": _invalid({"model": None}, "#/model"),
    "empty": _invalid({"model": ""}, "#/model"),
    "too long": _invalid({"model": "x" * 129}, "#/model"),
    "half a character": _invalid('{"model":"\\ud800"}', "#/model"),
    "unknown": Bad(body={"model": "nope/nope"}, status=404, code="model_not_found", at="#/model"),
    "with a NUL": Bad(body={"model": "a\x00b"}, status=404, code="model_not_found", at="#/model"),
    "of another version": Bad(body={"model": f"{NOOP}@9"}, status=404, code="model_not_found", at="#/model"),
    "an operator": _invalid({"model": {"$ne": ""}}, "#/model"),
}

AROUND_THE_INPUT = {
    "an unknown field": _invalid({"model": NOOP, "inputs": {}}, "#/inputs"),
    "an account": _invalid({"model": NOOP, "account_id": "acct_x"}, "#/account_id"),
    "a status": _invalid({"model": NOOP, "status": "completed"}, "#/status"),
    "input that is a list": _invalid({"model": NOOP, "input": []}, "#/input"),
    "input that is null": _invalid({"model": NOOP, "input": None}, "#/input"),
    "an unknown priority": _invalid({"model": NOOP, "priority": "urgent"}, "#/priority"),
    "a tag that is no list": _invalid({"model": NOOP, "tags": "a"}, "#/tags"),
    "17 tags": _invalid({"model": NOOP, "tags": ["a"] * 17}, "#/tags"),
    "an empty tag": _invalid({"model": NOOP, "tags": [""]}, "#/tags/0"),
    "a long tag": _invalid({"model": NOOP, "tags": ["ok", "a" * 65]}, "#/tags/1"),
    "a tag with a NUL": _invalid({"model": NOOP, "tags": ["a\x00"]}, "#/tags/0"),
    "a tag with a line end": _invalid({"model": NOOP, "tags": ["a\r\nb"]}, "#/tags/0"),
    "half a character in a tag": _invalid('{"model":"testkit/noop","tags":["\\ud800"]}', "#/tags/0"),
    "metadata that is no text": _invalid({"model": NOOP, "metadata": {"a": 1}}, "#/metadata/a"),
    "metadata with a NUL": _invalid({"model": NOOP, "metadata": {"a": "x\x00"}}, "#/metadata/a"),
    "long metadata": _invalid({"model": NOOP, "metadata": {"a": "x" * 501}}, "#/metadata/a"),
    "a bad name of metadata": _invalid({"model": NOOP, "metadata": {"$a": "x"}}, "#/metadata/$a"),
    "much metadata": _invalid({"model": NOOP, "metadata": {f"k{n}": "x" for n in range(17)}}, "#/metadata"),
    "half a character as a name": _invalid('{"model":"testkit/noop","\\ud800":1}', "#"),
}

NUMBERS = {
    text: _invalid(_seconds(text), "#/input/seconds")
    for text in ("1" + "0" * 30, "1" + "0" * 4000, "-1", "-1e-300", "600.001")
} | {
    f"not a number: {text}": _invalid(_seconds(text), "#/input/seconds")
    for text in ('"nan"', '"5"', '"5 "', "true", "null", "[]", "[1]")
}

INPUT = {
    "an unknown field": _invalid({"model": NOOP, "input": {"second": 1}}, "#/input/second"),
    "a missing field": _invalid({"model": FILM, "input": {}}, "#/input/image"),
    "a value that is none of the choices": _invalid(_film(motion="sideways"), "#/input/motion"),
    "a number that is none of the choices": _invalid(_film(fps=7), "#/input/fps"),
    "a value that is too large": _invalid(_film(duration_seconds=31), "#/input/duration_seconds"),
    "a seed of 33 bits": _invalid({"model": NOOP, "input": {"seed": 2**32}}, "#/input/seed"),
    "a seed that is no whole number": _invalid({"model": NOOP, "input": {"seed": 1.5}}, "#/input/seed"),
    "a seed that is a truth": _invalid({"model": NOOP, "input": {"seed": True}}, "#/input/seed"),
    "an asset that is not there": _invalid(_film(), "#/input/image"),
    "an asset that is a number": _invalid(_film(image=5), "#/input/image"),
    "an asset that is an address": _invalid(_film(image="http://127.0.0.1/"), "#/input/image"),
    "an asset that is a path": _invalid(_film(image="asset_../../etc/passwd"), "#/input/image"),
    "an asset with a line end": _invalid(_film(image="asset_x\n"), "#/input/image"),
    "an operator": _invalid(_film(image={"$ne": ""}), "#/input/image"),
    "half a character": _invalid(_seconds('"\\ud800"'), "#/input/seconds"),
    "a NUL": _invalid(_seconds('"a\\u0000b"'), "#/input/seconds"),
    "half a character as a name": _invalid('{"model":"testkit/noop","input":{"\\ud800":1}}', "#/input"),
    "a NUL in a name": _invalid('{"model":"testkit/noop","input":{"\\u0000":1}}', "#/input"),
    "32 levels of lists": _invalid(_seconds("[" * 30 + "]" * 30), "#/input/seconds"),
}

LARGE = {
    "400,000 numbers": _invalid(_seconds("[" + ",".join(["1"] * 400_000) + "]"), "#/input/seconds"),
    "200,000 times NaN": _unreadable(_seconds("[" + ",".join(["NaN"] * 200_000) + "]")),
    "60,000 lists": _unreadable(_seconds("[" + ",".join(["[]"] * 60_000) + "]")),
    "a number of 400 digits in a list": _invalid(_seconds("[" + "9" * 400 + "]"), "#/input/seconds/0"),
    "60,000 fields": _invalid({"model": NOOP} | {f"k{n}": 1 for n in range(60_000)}, "#/k0"),
    "60,000 fields of input": _invalid({"model": NOOP, "input": {f"k{n}": 1 for n in range(60_000)}}, "#/input/k0"),
    "a text of 900 kB": _invalid(_seconds(json.dumps("x" * 900_000)), "#/input/seconds"),
    "more than 1 MiB": Bad(body=_seconds(json.dumps("x" * 2**20)), status=413, code="upload_too_large"),
}

CASES = {
    f"{group}: {name}": bad
    for group, cases in {
        "not JSON": NOT_JSON,
        "not an object": NOT_AN_OBJECT,
        "not said to be JSON": NOT_SAID_TO_BE_JSON,
        "model": MODEL,
        "around": AROUND_THE_INPUT,
        "seconds": NUMBERS,
        "input": INPUT,
        "large": LARGE,
    }.items()
    for name, bad in cases.items()
}


@pytest.mark.parametrize("bad", CASES.values(), ids=[name[:60] for name in CASES])
def test_bad_input_is_refused_by_name_and_nothing_is_stored(owner: Caller, stack: Stack, bad: Bad):
    before = stack.stored()

    answer = owner.http.post("/v1/jobs", content=_bytes(bad.body), headers=_headers(bad))

    problem = expect(bad.status, answer)
    assert problem["code"] == bad.code
    assert problem["hint"]
    first = problem["errors"][0]
    assert first["pointer"] == bad.at
    assert len(first["detail"]) > 10
    assert len(answer.content) < LONGEST_ANSWER
    assert not stack.added_since(before)


@pytest.mark.parametrize("name", ["x" * 900_000, "~/" * 1000])
def test_a_long_name_is_not_sent_back_whole(owner: Caller, name: str):
    for body in ({"model": NOOP, name: 1}, {"model": NOOP, "input": {name: 1}}):
        answer = owner.http.post("/v1/jobs", json=body)

        assert expect(422, answer)["errors"][0]["pointer"].startswith("#/")
        assert len(answer.content) < LONGEST_ANSWER


def test_every_fault_of_an_input_is_told_at_once(owner: Caller):
    problem = expect(422, owner.http.post("/v1/jobs", json=_film(fps=7, strength=9, zoom=1)))

    faults = {fault["pointer"]: fault["detail"] for fault in problem["errors"]}
    assert faults == {
        "#/input/fps": "Take one of 24, 25, 30, 60.",
        "#/input/strength": "The value is greater than the maximum of 1.",
        "#/input/zoom": "This model has no such field.",
    }


def test_a_choice_that_is_none_is_answered_with_all_that_there_are(owner: Caller):
    problem = expect(422, owner.http.post("/v1/jobs", json=_film(motion="sideways")))

    assert '"zoom-in"' in problem["errors"][0]["detail"]
    assert '"surprise"' in problem["errors"][0]["detail"]


def test_what_a_caller_sent_is_not_repeated(owner: Caller):
    secret = "my-secret-value"
    for body in (_film(motion=secret), {"model": NOOP, "priority": secret}, {"model": NOOP, "tags": secret}):
        assert secret not in owner.http.post("/v1/jobs", json=body).text


def test_an_unknown_model_is_answered_with_the_known_ones(owner: Caller):
    problem = expect(404, owner.http.post("/v1/jobs", json={"model": "nope"}))

    assert FILM in problem["errors"][0]["detail"]


@pytest.mark.parametrize("seconds", ["0", "-0.0", "1e-9", "5E-324"])
def test_odd_but_sound_numbers_are_taken(owner: Caller, seconds: str):
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    job = expect(202, owner.http.post("/v1/jobs", content=_seconds(seconds), headers=headers))

    assert owner.wait(job["id"])["status"] == "completed"


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _headers(bad: Bad) -> dict[str, str]:
    return {"Content-Type": bad.content_type} if bad.content_type is not None else {}
