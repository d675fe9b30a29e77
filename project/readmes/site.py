"""What the examples name: a page and a film on a web site of this machine, and a picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from testkit import pictures
from testkit.clips import write_clip
from testkit.website import page, running_website

_PAGE = b"""<!doctype html><html><head><title>Tides</title></head><body><main><article><h1>Tides</h1>
<p>Tides are the rise and fall of the sea, caused by the pull of the Moon and the Sun on the turning Earth.</p>
<p>At most places there are two high waters a day, some twelve hours and twenty-five minutes apart.</p>
</article></main></body></html>"""


@contextmanager
def things() -> Iterator[tuple[dict[str, str], int]]:
    """What `<site>` and `<picture>` stand for, and the port of the site, for the length of the context."""
    with TemporaryDirectory(prefix="reelwork-readmes-") as folder:
        film, picture = Path(folder) / "video.mp4", Path(folder) / "picture.jpg"
        write_clip(film, seconds=2)
        picture.write_bytes(pictures.picture())
        pages = {"/video.mp4": page(film.read_bytes()), "/page.html": page(_PAGE, Content_Type="text/html")}
        with running_website(pages) as site:
            yield {"site": site.url, "picture": str(picture)}, site.port


def fetching(port: int) -> dict[str, object]:
    """Settings with which a gateway and its workers fetch from this machine."""
    return {"fetch_allow": "127.0.0.0/8", "fetch_plain_http": True, "fetch_ports": f"443,80,{port}"}
