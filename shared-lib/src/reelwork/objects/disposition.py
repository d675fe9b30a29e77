"""The Content-Disposition header, safe for any file name a person may have typed (RFC 6266 with RFC 8187)."""

import unicodedata
from typing import Literal, TypeAlias
from urllib.parse import quote

Disposition: TypeAlias = Literal["inline", "attachment"]

_LONGEST_NAME = 120  # characters; four bytes each and percent-encoded that is 1.4 kB, within every proxy's limit
_NOT_IN_NAMES = frozenset('/\\"<>:|?*;')
_RFC8187_SAFE = "!#$&+-.^_`|~"


def content_disposition(disposition: Disposition, filename: str) -> str:
    """The header's value: an ASCII name for old clients and, if that differs, the real one beside it.

    Path separators, quotes, control and direction characters are replaced, so the name can neither leave the
    download folder, nor end the header, nor look like another type.
    """
    name = _clean(filename)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip()
    plain = plain if plain and not plain.startswith(".") else f"file{plain}"
    value = f'{disposition}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe=_RFC8187_SAFE)}"


def _clean(filename: str) -> str:
    allowed = (
        "_" if letter in _NOT_IN_NAMES or unicodedata.category(letter).startswith("C") else letter
        for letter in filename[:_LONGEST_NAME]
    )
    return "".join(allowed).strip(" .") or "file"
