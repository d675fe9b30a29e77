"""Bad uploads: told by their bytes, refused by a problem that names the field and the cure, and nothing is stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from testkit import pictures
from testkit.caller import Caller, expect
from testkit.films import webm
from testkit.stack import Stack

pytestmark = pytest.mark.security

JPEG = pictures.picture(size=(64, 40))
PNG = pictures.picture("image/png", size=(64, 40))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
XXE = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
MIB = 1024 * 1024
FORM = "multipart/form-data; boundary=abc"
HEAD = b'--abc\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A request, made when it is needed, and how it is refused."""

    request: Callable[[], dict[str, Any]]  # keywords of the HTTP client
    status: int
    code: str
    at: str = "#/file"


def _file(content: Callable[[], bytes] | bytes, status: int, *, name: str = "picture.png") -> Bad:
    code = {413: "upload_too_large", 415: "unsupported_media_type", 422: "invalid_input"}[status]
    made = content if callable(content) else lambda: content
    return Bad(request=lambda: {"files": {"file": (name, made())}}, status=status, code=code)


def _form(content: bytes, content_type: str = FORM) -> Bad:
    request = {"content": content, "headers": {"Content-Type": content_type}}
    return Bad(request=lambda: request, status=400, code="invalid_request", at="#")


def _missing(**request: Any) -> Bad:
    return Bad(request=lambda: request, status=422, code="invalid_input")


def _chunked(size_bytes: int) -> dict[str, Any]:
    """A form without a Content-Length: nobody can know beforehand how long it will be."""

    def body() -> Iterator[bytes]:
        yield HEAD
        content = pictures.padded(size_bytes)
        for begin in range(0, size_bytes, MIB):
            yield content[begin : begin + MIB]
        yield b"\r\n--abc--\r\n"

    return {"content": body(), "headers": {"Content-Type": FORM}}


CASES = {
    # what pretends to be a picture
    "a text named .png": _file(b"I am a text, not a picture.", 415),
    "HTML named .jpg": _file(b"<!DOCTYPE html><script>alert(1)</script>", 415, name="cat.jpg"),
    "an SVG named .png": _file(SVG, 415),
    "an SVG": _file(SVG, 415, name="drawing.svg"),
    "an SVG that reads files": _file(XXE, 415),
    "a PDF": _file(b"%PDF-1.7\n1 0 obj\n", 415, name="paper.pdf"),
    "a ZIP": _file(b"PK\x03\x04" + bytes(100), 415, name="many.zip"),
    "a Matroska film": _file(webm(doc_type=b"matroska"), 415, name="film.mkv"),
    "a play list": _file(b"#EXTM3U\nfile:///etc/passwd\n", 415, name="film.m3u8"),
    "an AVI with a play list in it": _file(b"RIFF\x00\x00\x10\x00AVI LIST#EXTM3U\nfile:///etc/passwd\n", 415),
    "a script of films": _file(b"ffconcat version 1.0\nfile '/etc/passwd'\n", 415, name="films.ffconcat"),
    "a program": _file(b"\x7fELF" + bytes(100), 415),
    "a TIFF": _file(b"II*\x00" + bytes(100), 415, name="scan.tiff"),
    "one byte": _file(b"\xff", 415),
    "a picture behind a text": _file(b"hello" + JPEG, 415),
    # signatures with nothing sound behind them
    "only the signature of a JPEG": _file(JPEG[:3], 422),
    "only the signature of a PNG": _file(PNG[:8], 422),
    "only the signature of a GIF": _file(b"GIF89a", 422),
    "a GIF that is JavaScript": _file(b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//;", 422, name="a.gif"),
    "a JPEG that is HTML": _file(b"\xff\xd8\xff<script>alert(1)</script>", 422),
    "a JPEG cut in half": _file(JPEG[: len(JPEG) // 2], 422),
    "a PNG cut in half": _file(PNG[: len(PNG) // 2], 422),
    "a PNG without its last chunk but one": _file(PNG[:-40], 422),
    "a PNG of no width": _file(pictures.png_header(0, 10), 422),
    "a PNG of no pixels behind a sound header": _file(pictures.png_header(10, 10), 422),
    "a WebP without content": _file(b"RIFF\x04\x00\x00\x00WEBP", 422),
    "an AVIF without content": _file(b"\x00\x00\x00\x1cftypavif" + bytes(16), 422),
    "an AVIF with damaged colours": _file(lambda: pictures.damaged(pictures.picture("image/avif"), 18), 422),
    # small files that want much memory
    "30,000 x 30,000 pixels": _file(lambda: pictures.bomb(30_000), 422),
    "13,000 x 13,000 pixels of one bit": _file(lambda: pictures.bomb(13_000), 422),
    "a header of 2 billion x 2 billion pixels": _file(pictures.png_header(2**31 - 1, 2**31 - 1), 422),
    "a comment that unpacks to 100 MB": _file(pictures.text_bomb, 422),
    # sizes
    "no bytes": _file(b"", 422),
    "a byte more than 32 MiB": _file(lambda: pictures.padded(32 * MIB + 1), 413),
    "a byte more than 32 MiB, of unknown length": Bad(
        request=lambda: _chunked(32 * MIB + 1), status=413, code="upload_too_large"
    ),
    "a body of 40 MiB": Bad(
        request=lambda: {"files": {"file": pictures.padded(40 * MIB)}}, status=413, code="upload_too_large", at="#"
    ),
    "a body of 40 MiB, of unknown length": Bad(
        request=lambda: _chunked(40 * MIB), status=413, code="upload_too_large", at="#"
    ),
    # forms
    "an empty body": _missing(),
    "a form without a file": _missing(files={"picture": ("a.jpg", JPEG)}),
    "a text in the place of a file": _missing(files={"file": (None, "hello")}),
    "a form of fields": _missing(data={"file": "hello"}),
    "JSON": _missing(json={"file": "hello"}),
    "the bytes without a form": _missing(content=JPEG, headers={"Content-Type": "image/jpeg"}),
    "a form that ends too soon": _missing(content=HEAD + JPEG, headers={"Content-Type": FORM}),
    "two files": Bad(
        request=lambda: {"files": [("file", ("a.jpg", JPEG)), ("file", ("b.jpg", JPEG))]},
        status=400,
        code="invalid_request",
        at="#",
    ),
    "2,000 fields": Bad(
        request=lambda: {"files": [(f"field{n}", (None, "x")) for n in range(2000)]},
        status=400,
        code="invalid_request",
        at="#",
    ),
    "a name of 64 kB": Bad(
        request=lambda: {"files": {"file": ("x" * 65_536 + ".jpg", JPEG)}}, status=400, code="invalid_request", at="#"
    ),
    "a form without boundary": _form(HEAD + JPEG, "multipart/form-data"),
    "a form of another boundary": _form(HEAD + JPEG, "multipart/form-data; boundary=xyz"),
    "a boundary of 300 letters": _form(HEAD + JPEG, f"multipart/form-data; boundary={'a' * 300}"),
    "a form inside the form": _missing(
        content=b'--abc\r\nContent-Disposition: form-data; name="files"\r\n'
        b"Content-Type: multipart/mixed; boundary=in\r\n\r\n"
        b'--in\r\nContent-Disposition: file; filename="a.jpg"\r\n\r\n' + JPEG + b"\r\n--in--\r\n--abc--\r\n",
        headers={"Content-Type": FORM},
    ),
    "10 MB before the form": _form(b"x" * 10_000_000 + b"\r\n" + HEAD + JPEG + b"\r\n--abc--\r\n"),
    "a part without a name": _form(b"--abc\r\nContent-Disposition: form-data\r\n\r\nx\r\n--abc--\r\n"),
    "a part without a header": _form(b"--abc\r\n\r\nx\r\n--abc--\r\n"),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("path", ["/v1/assets", "/api/v1/task"])
def test_a_bad_upload_is_refused_by_name_and_nothing_is_stored(owner: Caller, stack: Stack, path: str, bad: Bad):
    before = stack.stored()

    problem = expect(bad.status, owner.http.post(path, **bad.request()))

    assert problem["code"] == bad.code
    (fault,) = problem["errors"]
    assert fault["pointer"] == bad.at
    assert len(fault["detail"]) > 10
    assert not stack.added_since(before)


def test_the_problem_of_a_huge_picture_names_its_size_and_the_limit(owner: Caller):
    problem = expect(422, owner.http.post("/v1/assets", files={"file": pictures.bomb(13_000)}))

    assert "13000 x 13000" in problem["detail"]
    assert "40,000,000" in problem["detail"]
    assert problem["errors"][0]["code"] == "too_many_pixels"


def test_a_picture_with_a_program_behind_it_is_only_ever_served_as_that_picture(owner: Caller):
    polyglot = pictures.animation() + b"/*<script>alert(1)</script>*/"

    asset = owner.upload(polyglot, "cat.html")

    answer = owner.http.get(f"/v1/assets/{asset['id']}/content?proxy=true")
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_of_a_picture_of_100_000_frames_the_first_is_what_counts(owner: Caller):
    asset = owner.upload(pictures.many_frames(100_000), "film.gif")

    assert (asset["width"], asset["height"], asset["kind"]) == (1, 1, "image")


@pytest.mark.parametrize("media_type", pictures.FORMATS)
def test_a_damaged_picture_is_taken_or_refused_but_never_a_fault(owner: Caller, media_type: str):
    whole = pictures.picture(media_type, size=(48, 30), orientation=6)
    answers = set()

    for seed in range(60):
        content = pictures.damaged(whole, seed)
        answers.add(owner.http.post("/v1/assets", files={"file": content}).status_code)

    assert answers <= {201, 415, 422}
    assert 422 in answers
