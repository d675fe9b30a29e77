"""Media types: what bytes really are, told from their first bytes and never from a name or a header."""

from typing import Literal

Kind = Literal["image", "video", "audio", "text", "data"]

# How many leading bytes `sniff` wants to see.
SNIFF_BYTES = 32

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif"}

UPLOADABLE = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif")

_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "video/mp4": ".mp4",
    "text/plain": ".txt",
    "text/vtt": ".vtt",
    "application/json": ".json",
}


def sniff(head: bytes) -> str | None:
    """The media type whose signature `head` carries, or None. Sources: the formats' own specifications."""
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return None


def kind_of(media_type: str) -> Kind:
    """The broad kind of a media type; `data` for what is none of the others."""
    match media_type.split("/", 1)[0]:
        case "image":
            return "image"
        case "video":
            return "video"
        case "audio":
            return "audio"
        case "text":
            return "text"
        case _:
            return "data"


def extension_for(media_type: str) -> str:
    """The usual file ending with its dot; `.bin` for unknown types."""
    return _EXTENSIONS.get(media_type, ".bin")


def safe_filename(name: str, *, fallback: str) -> str:
    """A name that is only a name: no folders, no control or format characters, at most 100 characters.

    For showing and for `Content-Disposition`; object keys never contain it.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*').strip(" .")
    return kept[-100:].lstrip(" .") if kept else fallback
