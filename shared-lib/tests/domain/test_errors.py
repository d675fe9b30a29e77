"""The catalogue of errors that callers may meet."""

import inspect

import pytest

from reelwork.domain import errors
from reelwork.domain.errors import (
    FieldError,
    IdempotencyInProgress,
    InvalidInput,
    ReelworkError,
    StoreUnavailable,
    all_errors,
)

CATALOGUE = all_errors()


def test_every_code_has_one_class_and_every_class_one_code() -> None:
    codes = [cls.code for cls in CATALOGUE]

    assert len(codes) == len(set(codes))
    assert codes == [cls.code for cls in sorted(CATALOGUE, key=lambda cls: (cls.status, cls.code))]


@pytest.mark.parametrize("cls", CATALOGUE, ids=lambda cls: cls.code)
def test_an_error_says_who_is_to_blame_and_what_it_is(cls: type[ReelworkError]) -> None:
    assert 400 <= cls.status <= 599
    assert cls.code == cls.code.lower()
    assert cls.title[0].isupper()
    assert not cls.title.endswith(".")
    assert not cls.retryable or cls.status in {429, 502, 503, 504} or cls is IdempotencyInProgress


def test_the_tree_at_the_top_of_the_module_names_every_class() -> None:
    drawn = inspect.getdoc(errors) or ""

    missing = [cls.__name__ for cls in CATALOGUE if cls.__name__ not in drawn and not _in_braces(cls.code, drawn)]
    assert missing == []


def _in_braces(code: str, drawn: str) -> bool:
    """Families are drawn as `(job|task|…)_not_found`."""
    kind, _, family = code.partition("_")
    return any(f")_{family}" in line and kind in line for line in drawn.splitlines())


def test_an_error_carries_what_happened_the_cure_and_the_fields() -> None:
    field = FieldError(pointer="#/input/seconds", code="too_large", detail="At most 60.")

    error = InvalidInput("The input is not valid.", hint="Look at the model's schema.", errors=[field])

    assert (str(error), error.detail, error.hint) == (error.detail, "The input is not valid.", error.hint)
    assert error.errors == (field,)
    assert StoreUnavailable("Away.", retry_after_seconds=2).retry_after_seconds == 2
