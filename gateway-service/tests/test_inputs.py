"""What is told of an input that a model's schema does not take."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import ClassVar, Literal

import pytest
from pydantic import ConfigDict, Field

from gateway.services.inputs import InputChecker
from reelwork.generator import Artifact, GenerationContext, MediaGeneratorModel, ModelCard, Parameters
from testkit.services import fresh_database
from testkit.world import open_world


class Sources(Parameters):
    """Exactly one of two, and the first above what its own field says."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["height"], "properties": {"height": {"minimum": 10}}},
                {"required": ["width"], "properties": {"width": {"type": "integer"}}},
            ]
        }
    )
    height: int | None = Field(default=None, ge=0)
    width: int | None = Field(default=None, ge=0)
    mode: Literal["wide", "tall"] = "wide"
    depth: Literal["auto"] | Literal["deep", "flat"] = "auto"


class Chooser(MediaGeneratorModel[Sources]):
    """Makes nothing: it is only asked."""

    id = "test/chooser"
    version = "1"
    title = "Chooser"
    description = "Takes one of two."
    task = "text-to-text"
    produces = ("text/plain",)
    is_ai = False

    def generate(self, params: Sources, ctx: GenerationContext) -> Iterator[Artifact]:
        """Nothing."""
        del params, ctx
        yield from ()


CARD = ModelCard.of(Chooser)
ONE_OF = ("#/input", "Give exactly one of height, width.")
NO_MODE = ("#/input/mode", 'Take one of "wide", "tall".')


@pytest.fixture
async def checker(mongo_url: str) -> AsyncIterator[InputChecker]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as world:
            yield InputChecker(world.stores)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"height": 20}, []),
        ({}, [ONE_OF]),
        ({"height": 20, "width": 20}, [ONE_OF]),
        ({"height": 5}, [ONE_OF]),  # nothing else says that it is too little
        ({"width": "5"}, [("#/input/width", "It must be of type integer or null.")]),
        ({"width": "5", "height": 20}, [("#/input/width", "It must be of type integer or null.")]),
        ({"mode": None, "height": 20}, [NO_MODE]),
        ({"mode": 5, "height": 20}, [NO_MODE]),
        ({"mode": "square"}, [NO_MODE, ONE_OF]),
        ({"depth": 5, "height": 20}, [("#/input/depth", 'Take "auto". Or: Take one of "deep", "flat".')]),
    ],
)
async def test_each_fault_is_told_once_and_none_is_passed_over(
    checker: InputChecker, values: Mapping[str, object], told: list[tuple[str, str]]
):
    faults = checker.against_schema(CARD, values)

    assert sorted((fault.pointer, fault.detail) for fault in faults) == sorted(told)
