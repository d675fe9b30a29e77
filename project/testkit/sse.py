"""Server-sent events, read as a browser reads them (WHATWG HTML, section 9.2.6)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Frame:
    """One event. `id` is None where the frame carried none; comments alone are frames without a name."""

    event: str = "message"
    id: str | None = None
    retry: int | None = None
    comments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def data(self) -> Any:  # JSON of whatever shape the event has
        return json.loads("\n".join(self.lines))


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """The frames in a stream's lines, as they come; a last one that is not complete is dropped."""
    frame = Frame()
    for line in lines:
        if not line:
            if frame != Frame():
                yield frame
            frame = Frame()
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "":
                frame.comments.append(value)
            case "event":
                frame.event = value
            case "id":
                frame.id = value
            case "retry":
                frame.retry = int(value)
            case "data":
                frame.lines.append(value)
