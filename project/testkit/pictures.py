"""Pictures for tests, made here: good ones of every kind that is accepted, and files that only pretend."""

import functools
import io
import random
import struct
import zlib

from PIL import Image, ImageDraw

FORMATS = {
    "image/jpeg": ("JPEG", ".jpg"),
    "image/png": ("PNG", ".png"),
    "image/gif": ("GIF", ".gif"),
    "image/webp": ("WEBP", ".webp"),
    "image/avif": ("AVIF", ".avif"),
}
_ORIENTATION = 0x0112  # EXIF 2.3
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@functools.cache
def photograph(width: int = 640, height: int = 400) -> Image.Image:
    """A stand-in for a photograph: a sky, a sun and hills, so that a camera has something to move over."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.6, height * 0.15, width * 0.75, height * 0.4), fill=(250, 220, 120))
    chance = random.Random(3)  # noqa: S311  (texture, no secret)
    for layer in range(4):
        top = height * (0.5 + layer * 0.12)
        ridge = [(x, top + chance.uniform(-0.06, 0.06) * height) for x in range(0, width + 20, 20)]
        draw.polygon([(0, height), *ridge, (width, height)], fill=(40 + layer * 20, 70 + layer * 25, 60))
    return image


@functools.cache
def picture(media_type: str = "image/jpeg", *, size: tuple[int, int] = (640, 400), orientation: int = 1) -> bytes:
    """An encoded picture. `orientation` is EXIF's: 6 means that it is shown turned by a quarter."""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    written = io.BytesIO()
    options = {} if media_type == "image/gif" else {"exif": exif.tobytes()}
    photograph(*size).save(written, FORMATS[media_type][0], **options)
    return written.getvalue()


@functools.cache
def animation(frames: int = 3) -> bytes:
    """An animated GIF."""
    written = io.BytesIO()
    first, *rest = [Image.new("P", (32, 24), colour) for colour in range(frames)]
    first.save(written, "GIF", save_all=True, append_images=rest, duration=100)
    return written.getvalue()


@functools.cache
def many_frames(frames: int) -> bytes:
    """A GIF of one pixel with so many frames, 15 bytes each."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0b10000000, 0, 0) + bytes(6)  # a palette of two blacks
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b";"


@functools.cache
def bomb(side: int) -> bytes:
    """A PNG of `side` x `side` black pixels of one bit each: a few kilobytes that want gigabytes as RGB."""
    row = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return _PNG_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


@functools.cache
def text_bomb() -> bytes:
    """A sound little PNG with a compressed comment that unpacks to 100 MB."""
    packer = zlib.compressobj(9)
    million = bytes(1_000_000)
    packed = b"".join(packer.compress(million) for _ in range(100)) + packer.flush()
    whole = picture("image/png", size=(8, 8))
    after_header = len(_PNG_SIGNATURE) + 25  # IHDR: 4 length, 4 name, 13 data, 4 checksum
    return whole[:after_header] + _chunk(b"zTXt", b"Comment\0\0" + packed) + whole[after_header:]


def damaged(whole: bytes, seed: int) -> bytes:
    """The file with a few bytes changed behind its signature, or cut, differently for every seed."""
    chance = random.Random(seed)  # noqa: S311  (replayable damage, no secret)
    broken = bytearray(whole)
    for _ in range(chance.choice((1, 3, 20))):
        broken[chance.randrange(12, len(broken))] = chance.randrange(256)
    return bytes(broken[: chance.randrange(12, len(broken))] if chance.random() < 0.3 else broken)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@functools.cache
def padded(size_bytes: int) -> bytes:
    """A sound JPEG of exactly this size; what follows its end is noise that every decoder ignores."""
    whole = picture(size=(64, 40))
    return whole + random.Random(size_bytes).randbytes(size_bytes - len(whole))  # noqa: S311  (filler, no secret)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says this size, and has no pixels at all."""
    return (
        _PNG_SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + _chunk(b"IEND", b"")
    )
