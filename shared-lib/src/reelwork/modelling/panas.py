"""`builtin/panas`: the Positive and Negative Affect Schedule, scored.

Source: D. Watson, L. A. Clark, A. Tellegen, Development and validation of brief measures of positive and negative
affect: the PANAS scales, Journal of Personality and Social Psychology 54 (1988), 1063-1070; items in its appendix.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from reelwork.generator import Artifact, GenerationContext, MediaGeneratorModel, Parameters, Resources

ITEMS = (
    *("interested", "distressed", "excited", "upset", "strong", "guilty", "scared", "hostile", "enthusiastic", "proud"),
    *("irritable", "alert", "ashamed", "inspired", "nervous", "determined", "attentive", "jittery", "active", "afraid"),
)
"""In the order of the questionnaire."""

POSITIVE = frozenset(
    {
        *("interested", "excited", "strong", "enthusiastic", "proud"),
        *("alert", "inspired", "determined", "attentive", "active"),
    }
)

Answer = Annotated[int, Field(ge=1, le=5)]


class PanasParameters(Parameters):
    """The twenty answers."""

    answers: tuple[Answer, ...] = Field(
        min_length=20,
        max_length=20,
        title="Answers",
        description="From 1 (very slightly or not at all) to 5 (extremely), in the questionnaire's order: "
        + ", ".join(ITEMS)
        + ".",
    )


def affect(answers: tuple[int, ...]) -> dict[str, int]:
    """The two scores, 10 to 50 each: the sums over each scale's ten items. Raises ValueError unless there are 20."""
    rated = dict(zip(ITEMS, answers, strict=True))
    positive = sum(answer for item, answer in rated.items() if item in POSITIVE)
    return {"positive_affect": positive, "negative_affect": sum(answers) - positive}


class Panas(MediaGeneratorModel[PanasParameters]):
    """Adds up; the answers are kept beside the scores."""

    id = "builtin/panas"
    version = "1"
    title = "PANAS scores"
    description = """
        Scores the twenty answers of the Positive and Negative Affect Schedule (Watson, Clark and Tellegen, 1988): one
        number for positive and one for negative affect, from 10 to 50.
    """
    task = "questionnaire-scoring"
    produces = ("application/json",)
    resources = Resources(cpus=1, memory_mb=64, time_limit_seconds=30)
    deterministic = True
    is_ai = False
    seconds_hint = 0.05
    examples = ({"answers": [3, 1, 4, 1, 4, 1, 1, 1, 4, 3, 2, 4, 1, 4, 2, 4, 4, 2, 4, 1]},)

    @classmethod
    def is_short(cls, values: Mapping[str, Any], points: int) -> bool:
        """Always: it is one addition."""
        return bool(values) or points >= 0

    def generate(self, params: PanasParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One JSON document."""
        path = ctx.workdir / "panas.json"
        content = {**affect(params.answers), "answers": dict(zip(ITEMS, params.answers, strict=True))}
        path.write_text(json.dumps(content), encoding="utf-8")
        yield Artifact(name="panas.json", media_type="application/json", path=path, role="primary")
