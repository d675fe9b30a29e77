"""Spoken lines with their times, and their form as WebVTT."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is said between two moments, in seconds from the film's beginning."""

    begin: float
    end: float
    text: str


def webvtt(lines: Sequence[Line]) -> str:
    """The lines as a WebVTT file (W3C, "WebVTT: The Web Video Text Tracks Format")."""
    cues = (f"{_stamp(line.begin)} --> {_stamp(line.end)}\n{_escaped(line.text)}\n" for line in lines)
    return "\n".join(("WEBVTT\n", *cues))


def _stamp(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
