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

# What others may send us beside pictures, for `recognise`. Brands of ISO base media files (ISO/IEC 14496-12) as the MP4
# registration authority lists them.
RECOGNISED_BYTES = 64
_MEDIA_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"WEBVTT", "text/vtt"),
)
_MEDIA_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    **dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42"), "video/mp4"),
    **dict.fromkeys((b"avc1", b"M4V ", b"dash"), "video/mp4"),
}
_EBML = b"\x1a\x45\xdf\xa3"

UPLOADABLE = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif")

_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/wav": ".wav",
    "text/vtt": ".vtt",
    "application/x-subrip": ".srt",
    "text/plain": ".txt",
    "application/json": ".json",
    "text/csv": ".csv",
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


def recognise(head: bytes) -> str | None:
    """The same for films and sound too, from RECOGNISED_BYTES: what a model may hand over, whoever made it."""
    if (picture := sniff(head)) is not None:
        return picture
    for signature, media_type in _MEDIA_SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[4:8] == b"ftyp":
        return _MEDIA_BRANDS.get(head[8:12])
    return "video/webm" if head.startswith(_EBML) and b"webm" in head else None


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
