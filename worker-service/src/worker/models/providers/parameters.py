"""Parameters that models of several providers take by the same names, so that one may do the job of another."""

from typing import Literal, TypeAlias

from pydantic import Field

from reelwork.generator import Parameters, ui

PictureFormat: TypeAlias = Literal["png", "jpeg", "webp"]


class PromptParameters(Parameters):
    """Something from words."""

    prompt: str = Field(
        min_length=1,
        max_length=2000,
        title="Prompt",
        description="What is to be seen, in any language that the model knows; English works best.",
        json_schema_extra=ui(widget="prompt"),
    )


class PicturesParameters(PromptParameters):
    """Pictures from words."""

    images: int = Field(default=1, ge=1, le=4, title="Pictures", json_schema_extra=ui(widget="slider"))
