"""What of a README is an example: commands, addresses and JSON, character for character."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_HTML = re.compile(r"<code>(GET|POST|DELETE)</code> <code><b>(/[^<]*)</b></code>")
_URL = re.compile(r"https?://localhost:\d+[^\s)|`\"]*")
_ROW = re.compile(r"^\| `(/[^`]*)` \| (GET|POST|DELETE|WS) \|", re.MULTILINE)
_DIAGRAM = re.compile(r"│ +(POST /\S+|\{ \"[^│]*\}) +│")
_REQUEST = re.compile(r"(GET|POST|DELETE) /\S*")
_COMMANDS = ("curl", "python", "source", "make", "export", "uvicorn", "pytest", "uv ", "./", "docker", "pip", "open ")
_ENDED = ("/", ".md", "./project", "/v1")  # folders, files and beginnings of addresses are no examples


def examples(readme: str) -> list[str]:
    """Each once, in the README's order. Configuration files and source code of the original are none."""
    found = sorted((*_of_fences(readme), *_of_text(readme)))
    texts = list(dict.fromkeys(text for _, text in found))
    within = " ".join(text for text in texts if " " in text).split()  # an address in a command is no other example
    return [text for text in texts if text not in within]


def _of_fences(readme: str) -> Iterator[tuple[int, str]]:
    for fence in _FENCE.finditer(readme):
        language, body = fence.groups()
        lines = [line.strip() for line in body.splitlines()]
        if language == "bash":
            yield from ((fence.start(), line) for line in lines if line and not line.startswith("#"))
        elif language == "python":
            yield from ((fence.start(), line) for line in lines if _REQUEST.fullmatch(line))
        elif not language:
            yield from ((fence.start(), found[1]) for found in _DIAGRAM.finditer(body))
            if body.strip().startswith("{"):
                yield fence.start(), body.strip()


def _of_text(readme: str) -> Iterator[tuple[int, str]]:
    text = _FENCE.sub(lambda fence: " " * len(fence[0]), readme)
    yield from ((row.start(), f"{row[2]} {row[1]}") for row in _ROW.finditer(text))
    yield from ((code.start(), f"{code[1]} {code[2]}") for code in _HTML.finditer(text))
    yield from ((url.start(), url[0]) for url in _URL.finditer(text))
    rows = _ROW.sub(lambda row: " " * len(row[0]), text)
    for span in _SPAN.finditer(rows):
        shown = span[1].strip()
        request = bool(_REQUEST.fullmatch(shown)) or (shown.startswith("/") and " " not in shown)
        if (shown.startswith((*_COMMANDS, '{"')) or request) and not shown.endswith(_ENDED):
            yield span.start(), shown
