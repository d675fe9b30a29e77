"""What this installation lets nobody ask for, whatever the model: a job's input is held against it before it is stored.

The terms are the simplest policy; another one is any function `(model, input) -> faults`, named by a setting.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from reelwork.domain.errors import FieldError

# `Any`: the input's shape is the model's own. A policy answers at once, on the event loop: it asks nobody.
InputPolicy = Callable[[str, Mapping[str, Any]], Iterable[FieldError]]

_CURE = "Leave out what this installation does not make."


class ProhibitedTerms:
    """Refuses texts that contain one of the terms as whole words.

    Case, width, accents written apart and invisible characters do not hide a term (Unicode NFKC and case folding,
    UAX #15); letters of other alphabets that look alike do.
    """

    def __init__(self, terms: Sequence[str]) -> None:
        """Raises ValueError for a term without a letter or digit."""
        plain = [_plain(term) for term in terms]
        if not all(plain):
            raise ValueError("a prohibited term needs a letter or digit")
        self._found = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, plain))})(?!\w)")

    def __call__(self, model: str, values: Mapping[str, Any]) -> Iterator[FieldError]:  # noqa: ARG002  (the same for all)
        for pointer, text in _texts(values, "#/input"):
            if self._found.search(_plain(text)):
                yield FieldError(pointer=pointer, code="prohibited", detail=_CURE)


def _plain(text: str) -> str:
    """One space between words, lower case, nothing invisible (format characters, Unicode category Cf)."""
    visible = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    return " ".join(visible.casefold().split())


def _texts(value: object, pointer: str) -> Iterator[tuple[str, str]]:
    """Every text with its JSON pointer. The input's depth was checked before."""
    match value:
        case str():
            yield pointer, value
        case dict():
            for key, item in cast("dict[str, object]", value).items():
                yield from _texts(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
        case list():
            for index, item in enumerate(cast("list[object]", value)):
                yield from _texts(item, f"{pointer}/{index}")
