"""Films for tests: the structure of an MP4 with nothing to look at, of any size that a test wants."""

import struct

_MOVIE_SCALE = 1000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def film(
    size_bytes: int | None = None,
    *,
    width: int = 64,
    height: int = 40,
    seconds: float = 2.0,
    brand: bytes = b"isom",
    fill: bytes = b"\0",
) -> bytes:
    """A film of exactly this size, whose frames are `fill` over and over; None: of the least size."""
    head = film_head(width=width, height=height, seconds=seconds, brand=brand)
    room = 64 if size_bytes is None else size_bytes - len(head) - 16
    frames = (fill * (room // len(fill) + 1))[:room]
    return head + frames_head(room) + frames


def film_head(*, width: int = 64, height: int = 40, seconds: float = 2.0, brand: bytes = b"isom") -> bytes:
    """All but the frames."""
    movie = struct.pack(">IIIII", 0, 0, 0, _MOVIE_SCALE, int(seconds * _MOVIE_SCALE)) + bytes(80)
    track = bytes(40) + _MATRIX + struct.pack(">II", width << 16, height << 16)
    handler = struct.pack(">II4s", 0, 0, b"vide") + bytes(13)
    media = box(b"mdia", box(b"hdlr", handler))
    return box(b"ftyp", brand, bytes(4)) + box(b"moov", box(b"mvhd", movie), box(b"trak", box(b"tkhd", track), media))


def frames_head(room: int) -> bytes:
    """What stands before `room` bytes of frames; with its size in 64 bits, for the largest of them."""
    return struct.pack(">I4sQ", 1, b"mdat", 16 + room)


def element(name: str, *content: bytes) -> bytes:
    """An element of RFC 8794, by the hexadecimal digits of its id."""
    body = b"".join(content)
    return bytes.fromhex(name) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def webm(*, width: int = 64, height: int = 40, seconds: float = 2.0, doc_type: bytes = b"webm") -> bytes:
    """The structure of a WebM film, with nothing to look at."""
    info = element("1549a966", element("4489", struct.pack(">d", seconds * 1000)))
    video = element("e0", element("b0", width.to_bytes(2, "big")), element("ba", height.to_bytes(2, "big")))
    tracks = element("1654ae6b", element("ae", element("83", b"\x01"), video))
    return element("1a45dfa3", element("4282", doc_type)) + element("18538067", info, tracks, element("1f43b675"))
