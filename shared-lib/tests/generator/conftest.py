"""A small model with every kind of parameter, for the tests of this folder."""

from collections.abc import Iterator
from typing import Literal

import pytest
from pydantic import Field

from reelwork.generator import (
    Artifact,
    AssetRef,
    GenerationContext,
    ImageRef,
    MediaGeneratorModel,
    Parameters,
    Seed,
    ui,
)


class PosterParameters(Parameters):
    picture: ImageRef = Field(title="Picture")
    words: str = Field(default="", max_length=80, json_schema_extra=ui(widget="prompt"))
    size: Literal["a4", "a3"] = Field(default="a4", json_schema_extra=ui(labels={"a4": "A4", "a3": "A3"}))
    extras: tuple[AssetRef, ...] = ()
    seed: Seed = None


class Poster(MediaGeneratorModel[PosterParameters]):
    id = "acme/poster"
    version = "1.2"
    title = "Poster"
    description = "Lays words over a picture."
    task = "image-to-image"
    produces = ("text/plain",)
    deterministic = True
    is_ai = False
    examples = ({"picture": "asset_1", "words": "Hello"},)

    def generate(self, params: PosterParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        path = ctx.workdir / "poster.txt"
        with path.open("w") as file:
            for letter in ctx.track(params.words, message="Setting type"):
                file.write(letter)
        yield Artifact(name="poster.txt", media_type="text/plain", path=path)


@pytest.fixture
def poster() -> type[Poster]:
    return Poster
