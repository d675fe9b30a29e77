"""What an installation lets nobody ask for: refused before anything is stored, whoever asks."""

import pytest

from gateway.input_policy import ProhibitedTerms
from testkit.caller import Caller, expect
from testkit.policies import REFUSED_SEED
from testkit.stack import Stack

TERMS = ProhibitedTerms(["nude", "Straße", "very  bad thing", "c++"])


@pytest.mark.parametrize(
    "text",
    [
        "nude",
        "A NUDE, at sea",
        "ｎｕｄｅ",
        "nu\u200bde",
        "(nude)",
        "strasse",
        "a very bad\n thing",
        "all of c++ at once",
    ],
)
def test_a_term_is_found_however_it_is_written(text: str) -> None:
    (fault,) = TERMS("any/model", {"prompt": ["x", {"a/b": text}]})

    assert (fault.pointer, fault.code) == ("#/input/prompt/1/a~1b", "prohibited")
    assert "nude" not in fault.detail.lower()


@pytest.mark.parametrize("text", ["denude", "nudes", "bad thing", "stras se", "", "c+ +"])
def test_what_only_resembles_a_term_passes(text: str) -> None:
    assert not list(TERMS("any/model", {"prompt": text, "seed": 1, "on": True, "nothing": None}))


def test_a_term_of_nothing_would_refuse_everything() -> None:
    with pytest.raises(ValueError, match="letter"):
        ProhibitedTerms(["fine", " \u200b"])


@pytest.mark.parametrize(
    ("body", "at", "code"),
    [
        ({"model": "builtin/landscape", "input": {"prompt": "An UNSPEAKABLE thing"}}, "#/input/prompt", "prohibited"),
        ({"model": "testkit/noop", "input": {"seed": REFUSED_SEED}}, "#/input/seed", "unlucky"),
    ],
)
def test_a_job_against_the_policy_is_refused_and_not_stored(
    owner: Caller, stack: Stack, body: dict[str, object], at: str, code: str
) -> None:
    before = stack.stored()

    problem = expect(422, owner.http.post("/v1/jobs", json=body))

    assert problem["code"] == "content_policy_violation"
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(at, code)]
    assert not stack.added_since(before)


def test_a_batch_with_one_such_item_names_the_item(owner: Caller) -> None:
    items = [{"model": "testkit/noop", "input": {"seed": seed}} for seed in (1, REFUSED_SEED)]

    problem = expect(422, owner.http.post("/v1/batches", json={"items": items}))

    assert [error["pointer"] for error in problem["errors"]] == ["#/items/1/input/seed"]
