"""The list of numbers in a JSON document, element by element: of a document of any size, little is held at once."""

import json
import re
from collections.abc import Iterator
from typing import TextIO

# So long may an element be, or whatever else stands beside the list: a row of numbers has a fraction of it.
LONGEST_CHARACTERS = 64 * 1024
_READ_CHARACTERS = 256 * 1024
_NAMES = {"values", "results"}
_INK = re.compile(r"[^ \t\n\r]")


class NoList(ValueError):
    """Nothing is wrong with the document so far, but it has no list where one is looked for."""


def json_rows(file: TextIO) -> Iterator[object]:
    """The elements of a list, or of the one list under `values` or `results` of an object; of no other name.

    Raises NoList, and ValueError or RecursionError for what is no JSON (RFC 8259), also after elements were given.
    """
    document = _Document(file)
    match document.peek():
        case "[":
            yield from document.elements()
        case "{":
            yield from _member(document)
        case _:
            raise NoList
    if document.peek():
        raise ValueError("more than one document")


def _member(document: "_Document") -> Iterator[object]:
    found = False
    for name in document.names():
        if name not in _NAMES:
            document.value()
        elif found or document.peek() != "[":
            raise NoList
        else:
            found = True
            yield from document.elements()
    if not found:
        raise NoList


class _Document:
    """Text that is read as it is needed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while (ink := _INK.search(self._text, self._at)) is None:
            self._at = len(self._text)
            if self._ended:
                return ""
            self._read()
        self._at = ink.start()
        return ink.group()

    def value(self) -> object:
        """The next value, whole."""
        self.peek()
        if len(self._text) - self._at <= LONGEST_CHARACTERS and not self._ended:
            self._read()
        value, end = self._decoder.raw_decode(self._text, self._at)
        if end - self._at > LONGEST_CHARACTERS:
            raise ValueError("a value longer than any row of numbers")
        self._at = end
        return value

    def elements(self) -> Iterator[object]:
        """Of the list that begins here."""
        for _ in self._items("[", "]"):
            yield self.value()

    def names(self) -> Iterator[object]:
        """Of the members of the object that begins here; whoever asks for the next has read this one's value."""
        for _ in self._items("{", "}"):
            if self.peek() != '"':
                raise ValueError("a name was expected")
            name = self.value()
            self._take(":")
            yield name

    def _items(self, begin: str, end: str) -> Iterator[None]:
        """A turn for each item, which that turn has to read."""
        self._take(begin)
        if self.peek() == end:
            self._take(end)
            return
        yield
        while self._take(",", end) == ",":
            yield

    def _take(self, *expected: str) -> str:
        character = self.peek()
        if character not in expected or not character:
            raise ValueError(f"{' or '.join(expected)} was expected")
        self._at += 1
        return character

    def _read(self) -> None:
        more = self._file.read(_READ_CHARACTERS)
        self._text = self._text[self._at :] + more
        self._at = 0
        self._ended = not more
