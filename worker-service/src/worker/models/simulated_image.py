"""`simulated/image`: a card with the prompt on it, or a failure that another attempt may not meet."""

import random
import textwrap
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont
from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    MediaGeneratorModel,
    Parameters,
    ProviderUnavailable,
    Resources,
    Seed,
    ui,
)

_SIZE = (640, 360)
_MARGIN = 40
_LINE_LETTERS, _LINES = 34, 6
_INK = (250, 250, 247)


class SimulatedImageParameters(Parameters):
    """The words on the card, and how often making it fails."""

    prompt: str = Field(min_length=1, max_length=2000, title="Prompt", json_schema_extra=ui(widget="prompt"))
    delay_seconds: float = Field(default=1, ge=0, le=60, title="Delay", json_schema_extra=ui(unit="s"))
    failure_rate: float = Field(
        default=0.3,
        ge=0,
        le=1,
        title="Failure rate",
        description="The share of attempts that fail as a provider without an answer does; they are tried again.",
        json_schema_extra=ui(widget="slider"),
    )
    seed: Seed = None


class SimulatedImage(MediaGeneratorModel[SimulatedImageParameters]):
    """The contract of an unreliable provider of pictures without one."""

    id = "simulated/image"
    version = "1"
    title = "Picture (simulated)"
    description = """
        A stand-in for a provider of pictures that fails now and then, to try clients and retries with: waits, then
        draws a card with the prompt on it, or fails in a way that another attempt may not. Nothing is generated from
        the words, and the result says `simulated: true`.
    """
    task = "text-to-image"
    produces = ("image/png",)
    resources = Resources(memory_mb=128, time_limit_seconds=120)
    is_ai = False
    seconds_hint = 1.5
    examples = ({"prompt": "A picture that may take more than one attempt"},)

    def generate(self, params: SimulatedImageParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One PNG. Raises ProviderUnavailable at random, each attempt anew."""
        ctx.progress(0.1, "Waiting; nothing is generated", stage="simulating")
        ctx.wait(params.delay_seconds)
        if random.random() < params.failure_rate:  # noqa: S311 - a game, no secret
            raise ProviderUnavailable("The simulated provider did not answer, as it does now and then.")
        path = ctx.workdir / "card.png"
        _card(params.prompt, seed=ctx.seed).save(path)
        yield Artifact(
            name=path.name,
            media_type="image/png",
            path=path,
            width=_SIZE[0],
            height=_SIZE[1],
            meta={"simulated": True, "seed": ctx.seed},
        )


def _card(prompt: str, *, seed: int) -> Image.Image:
    """The prompt on a plain colour that the seed chooses."""
    hue = random.Random(seed).randrange(360)  # noqa: S311 - a colour, no secret
    card = Image.new("RGB", _SIZE, f"hsl({hue}, 35%, 32%)")
    draw = ImageDraw.Draw(card)
    lines = textwrap.wrap(prompt, _LINE_LETTERS, max_lines=_LINES, placeholder=" …")
    draw.multiline_text((_MARGIN, _MARGIN), "\n".join(lines), _INK, ImageFont.load_default(30), spacing=10)
    draw.text((_MARGIN, _SIZE[1] - _MARGIN), "simulated", _INK, ImageFont.load_default(18), anchor="ls")
    return card
