from pathlib import Path

import pytest

from reelwork.generator import Artifact


@pytest.mark.parametrize("name", ["../escape.mp4", "a/b.png", "", ".hidden", "x" * 101, "line\nbreak"])
def test_artifact_refuses_a_name_that_is_no_plain_file_name(name):
    with pytest.raises(ValueError, match="plain file name"):
        Artifact(name=name, media_type="video/mp4", path=Path("film.mp4"))


def test_artifact_refuses_what_is_no_media_type():
    with pytest.raises(ValueError, match="media type"):
        Artifact(name="film.mp4", media_type="mp4", path=Path("film.mp4"))
