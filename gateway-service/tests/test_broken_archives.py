"""Archives that no export has made: each is refused by its place, and nothing of it stays."""

import io
import json
import struct
import zipfile
from collections.abc import Callable

import pytest

from testkit.archives import changed, export, opened, packed, series_of, take
from testkit.caller import Caller, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security


@pytest.fixture(scope="module")
def exported(stack: Stack) -> bytes:
    """Of an account with two series."""
    caller = stack.caller("exported to be spoiled")
    for name in ("plain", "newest"):
        expect(201, caller.http.post("/v1/series", json={"name": name, "values": [1.0, None]}))
    return export(caller)


@pytest.fixture
def taker(stack: Stack, numbers) -> Caller:
    return stack.caller(f"taker of what is broken {next(numbers)}")


def _renamed(content: bytes, name: str) -> bytes:
    return packed({**{each: opened(content).read(each) for each in opened(content).namelist()}, name: b"x"})


def _twice(content: bytes) -> bytes:
    made = io.BytesIO(content)
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("account.json", b"{}")
    return made.getvalue()


def _encrypted(content: bytes) -> bytes:
    """With the flag of the first file set in the table of contents."""
    at = content.rindex(b"PK\x01\x02", 0, content.index(b"PK\x05\x06"))
    return content[: at + 8] + struct.pack("<H", 1) + content[at + 10 :]


def _end(content: bytes, offset: int, value: int) -> bytes:
    at = content.rindex(b"PK\x05\x06") + offset
    return content[:at] + struct.pack("<H", value) + content[at + 2 :]


def _bomb(content: bytes) -> bytes:
    return changed(content, series_0001=lambda _: b"value\n" + b"0" * 60_000_000)


def _flipped(content: bytes) -> bytes:
    archive = opened(content)
    at = archive.getinfo("series.jsonl").header_offset + 40
    return content[:at] + bytes(byte ^ 0xFF for byte in content[at : at + 20]) + content[at + 20 :]


def _line(content: bytes, **changes: object) -> bytes:
    def edit(text: bytes) -> bytes:
        first, *rest = text.splitlines()
        return b"\n".join([json.dumps(json.loads(first) | changes).encode(), *rest])

    return changed(content, series_jsonl=edit)


def _json(content: bytes, file: str, **changes: object) -> bytes:
    return changed(content, **{file: lambda text: json.dumps(json.loads(text) | changes).encode()})


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "#/file"),
    "text": (lambda _: b"PK, or so it says", "#/file"),
    "half of it": (lambda content: content[: len(content) // 2], "#/file"),
    "more files than an export has, it says": (lambda content: _end(content, 10, 65535), "#/file"),
    "a path that leads out": (lambda content: _renamed(content, "../../../tmp/x"), "#/file/../../../tmp/x"),
    "an absolute path": (lambda content: _renamed(content, "/etc/passwd"), "#/file//etc/passwd"),
    "a file that no export has": (lambda content: _renamed(content, "run.sh"), "#/file/run.sh"),
    "a folder": (lambda content: _renamed(content, "series/"), "#/file/series/"),
    "two files of one name": (_twice, "#/file/account.json"),
    "an encrypted file": (_encrypted, "#/file/"),
    "a packing of its own": (
        lambda content: packed({"manifest.json": opened(content).read("manifest.json")}, zipfile.ZIP_BZIP2),
        "#/file/manifest.json",
    ),
    "a bomb": (_bomb, "#/file/series/0001"),
    "bits that fell over": (_flipped, "#/file/series.jsonl"),
    "no manifest": (lambda _: packed({"series.jsonl": b""}), "#/file/manifest.json"),
    "a manifest of something else": (lambda content: _json(content, "manifest_json", format="x"), "#/file/manifest"),
    "another version": (lambda content: _json(content, "manifest_json", version=2), "#/file/manifest.json/version"),
    "no JSON": (lambda content: changed(content, series_jsonl=lambda _: b"{\n"), "#/file/series.jsonl/0"),
    "a name that no series has": (lambda content: _line(content, name="a\nb"), "#/file/series.jsonl/0/name"),
    "two series of one name": (lambda content: _line(content, name="plain"), "#/file/series.jsonl/"),
    "a thousand observables": (lambda content: _line(content, observables=1000), "#/file/series.jsonl/0/observables"),
    "points that are not there": (lambda content: _line(content, file="series/none.csv"), "#/file/series/none.csv"),
    "points from elsewhere": (lambda content: _line(content, file="/etc/passwd"), "#/file/series.jsonl/0/file"),
    "another length": (lambda content: _line(content, length=10**9), "#/file/series.jsonl/0/length"),
    "words for numbers": (
        lambda content: changed(content, series_0001=lambda _: b"value\nmany\n"),
        "#/file/series/0001",
    ),
    "a number that is none": (lambda content: changed(content, series_0001=lambda _: b"value\nnan\n"), "#/file/series"),
    "too large a number": (lambda content: changed(content, series_0001=lambda _: b"value\n1e101\n"), "#/file/series"),
    "bytes that are no text": (
        lambda content: changed(content, series_0001=lambda _: b"v\n\xff\xfe\n"),
        "#/file/series",
    ),
    "a row that is too long": (lambda content: changed(content, series_0001=lambda _: b"v\n1,2,3\n"), "#/file/series"),
    "a retention of nothing": (
        lambda content: _json(content, "account_json", retention={"input_seconds": 1, "output_seconds": None}),
        "#/file/account.json/retention/input_seconds",
    ),
}


@pytest.mark.parametrize(("breaking", "pointer"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_archive_is_refused_by_its_place_and_nothing_stays(
    taker: Caller, exported: bytes, breaking: Callable[[bytes], bytes], pointer: str
):
    refused = take(taker, breaking(exported))

    problem = expect(422, refused)
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert problem["hint"]
    assert "Traceback" not in refused.text
    assert series_of(taker) == {}
    assert expect(200, taker.http.get("/v1/account"))["retention"]["output_seconds"] is None


def test_an_archive_that_hides_a_larger_end_is_refused(taker: Caller, exported: bytes):
    at = exported.rindex(b"PK\x05\x06")
    hidden = exported[:at] + b"PK\x06\x07" + bytes(16) + exported[at:]

    assert expect(422, take(taker, hidden))["errors"][0]["code"] == "not_a_zip"


def test_more_than_an_import_takes_is_refused_before_it_is_read(taker: Caller):
    refused = take(taker, bytes(66 * 2**20))

    assert expect(413, refused)["code"] == "upload_too_large"
    assert "an import or points as CSV at most 64 MiB" in refused.json()["hint"]
