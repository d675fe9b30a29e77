"""A model that makes nothing at all: what remains is the cost of the job engine."""

from collections.abc import Iterator

from pydantic import Field

from reelwork.generator import Artifact, GenerationContext, MediaGeneratorModel, Parameters


class NothingParameters(Parameters):
    prompt: str = Field(default="", max_length=200)


class Nothing(MediaGeneratorModel[NothingParameters]):
    """Ends at once, without output."""

    id = "bench/nothing"
    version = "1"
    title = "Nothing"
    description = "Ends at once, without output: for measuring everything else."
    task = "text-to-nothing"
    produces = ("text/plain",)
    is_ai = False
    seconds_hint = 0.01

    def generate(self, params: NothingParameters, ctx: GenerationContext) -> Iterator[Artifact]:  # noqa: ARG002
        """No output."""
        return iter(())
