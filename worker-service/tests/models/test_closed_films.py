"""Playlists that call themselves films: whoever looks into a file opens that file, and nothing that it names."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reelwork.generator import InvalidInput
from worker.models.film import video
from worker.models.providers.films import measured

PLAYLISTS = {
    "HLS": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile secret.ts\n",
    "DASH": '<MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT1S"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1"><BaseURL>secret.ts</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
}


class Secret:
    """A file that notices when it is opened: a pipe, whose writer waits for a reader."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.was_opened = False
        self._path, self._over = path, False
        self._writer = threading.Thread(target=self._wait)
        self._writer.start()

    def _wait(self) -> None:
        pipe = os.open(self._path, os.O_WRONLY)
        self.was_opened = not self._over
        os.close(pipe)

    def close(self) -> None:
        """Read it ourselves, so that the writer ends."""
        self._over = True
        reader = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        self._writer.join()
        os.close(reader)


@pytest.mark.parametrize("look", [measured, video.facts])
@pytest.mark.parametrize("playlist", PLAYLISTS.values(), ids=PLAYLISTS)
def test_nothing_that_a_film_names_is_opened(tmp_path: Path, playlist: str, look: Callable[[Path], object]) -> None:
    secret = Secret(tmp_path / "secret.ts")
    film = tmp_path / "film.mp4"
    film.write_text(playlist)

    try:
        with pytest.raises(InvalidInput, match="not a video that can be read"):
            look(film)
    finally:
        secret.close()

    assert not secret.was_opened
