"""Models that may do a job where the provider of its own model cannot: chosen by the owner, or by the model itself."""

from collections.abc import Sequence

from gateway.auth import Caller
from gateway.services.inputs import InputChecker
from gateway.services.models import Catalogue
from reelwork.contract.jobs import JobBody
from reelwork.domain.access import allows_model
from reelwork.domain.errors import FieldError, InvalidInput, ModelNotFound
from reelwork.generator import ModelCard, Pool


class Fallbacks:
    """Decides by the published cards alone."""

    def __init__(self, catalogue: Catalogue, checker: InputChecker) -> None:
        self._catalogue = catalogue
        self._checker = checker

    async def of(self, caller: Caller, body: JobBody, card: ModelCard) -> tuple[str, ...]:
        """In the order in which they are asked. What the model names itself is left out where it does not fit.

        Raises InvalidInput for one that the owner named and that cannot stand in, ModelNotFound, PermissionDenied.
        """
        match body.fallback:
            case "never":
                return ()
            case "auto":
                return tuple([name for name in card.fallbacks if await self._fits(name, caller, body, card)])
            case named:
                return await self._named(named, caller, body, card)

    async def _named(self, named: Sequence[str], caller: Caller, body: JobBody, card: ModelCard) -> tuple[str, ...]:
        found: list[str] = []
        for index, name in enumerate(named):
            pointer = f"#/fallback/{index}"
            caller.require_model(name)
            other = (await self._catalogue.get(name, pointer=pointer)).card
            if (cure := _unfit(card, other)) is not None or other.name in found:
                raise _wrong(pointer, "not_a_fallback", cure or "It is named twice.")
            if self._checker.against_schema(other, body.input):
                raise _wrong(pointer, "other_input", f"{other.name} does not take this input.")
            found.append(other.name)
        return tuple(found)

    async def _fits(self, name: str, caller: Caller, body: JobBody, card: ModelCard) -> bool:
        if not allows_model(caller.key.models, name):
            return False
        try:
            other = (await self._catalogue.get(name)).card
        except ModelNotFound:  # no worker has the key of that provider
            return False
        return _unfit(card, other) is None and not self._checker.against_schema(other, body.input)


def _unfit(card: ModelCard, other: ModelCard) -> str | None:
    if other.name == card.name:
        return "It is the model itself."
    if other.task != card.task:
        return f"Its task is {other.task}, not {card.task}."
    if not card.pool == other.pool == Pool.REMOTE:
        return "Both models have to run at providers."
    return None


def _wrong(pointer: str, code: str, cure: str) -> InvalidInput:
    errors = [FieldError(pointer=pointer, code=code, detail=cure)]
    return InvalidInput(f"Not valid: {pointer}.", hint=cure, errors=errors)
