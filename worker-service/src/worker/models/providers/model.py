"""A model of a provider that is asked by JSON over HTTP."""

import contextlib
import re
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError

from reelwork.fetch.provider import Json, ProviderApi, Reply
from reelwork.generator import (
    GenerationError,
    InsufficientCredit,
    ProviderRefused,
    ProviderUnavailable,
    RemoteModel,
    RemoteState,
    RemoteStatus,
    SubmissionUnknown,
)
from reelwork.generator.base import P

T = TypeVar("T", bound=BaseModel)

# What becomes part of an address: an id as all these providers make them.
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class ProviderModel(RemoteModel[P]):
    """Adds to what every remote model has: the provider's name for people, its headers, and what its refusals mean."""

    provider_title: ClassVar[str]
    """`Replicate`"""
    field_names: ClassVar[dict[str, str]] = {}
    """Names of the provider's fields to those of our parameters, where they differ."""

    def headers(self) -> dict[str, str]:
        """What is sent with every question, the key among it."""
        return {"Authorization": f"Bearer {self.key()}"}

    def explain(self, reply: Reply) -> GenerationError | None:
        """What a refusal means, where its status alone does not tell. Overriding methods end with this one.

        The provider's own words about our key and our account are not for those who use this installation.
        """
        if reply.status == 401:
            return self.refused_key()
        return self.no_credit() if reply.status == 402 else None

    def api(self, **options: Any) -> ProviderApi:
        """The provider, ready to be asked; `options` are fields of `ProviderApi`."""
        defaults: dict[str, Any] = {"headers": self.headers(), "explain": self.explain}
        return ProviderApi(name=self.provider_title, address=self.address(), **(defaults | options))

    def end(self, method: str, path: str, *, also: tuple[int, ...] = ()) -> None:
        """Ask the provider to stop a task. That there is none any more is fine, and is told by 404, 409 or 410, or by
        one of `also`. Raises GenerationError."""

        def explained(reply: Reply) -> GenerationError | None:
            return _Over() if reply.status in {404, 409, 410, *also} else self.explain(reply)

        with contextlib.suppress(_Over):
            self.api(explain=explained).ask(method, path)

    def refused_key(self) -> ProviderRefused:
        return ProviderRefused(
            f"{self.provider_title} refuses the key of this installation: its operator has to renew {self.credential}."
        )

    def no_credit(self) -> InsufficientCredit:
        return InsufficientCredit(
            f"The account of this installation at {self.provider_title} has no credit left: its operator can add some."
        )

    def field_of(self, name: object) -> str | None:
        """Our parameter for a field that the provider blames (`input.num_outputs`, `['body', 'prompt']`); else None."""
        parts = name if isinstance(name, list) else str(name or "").split(".")
        words = [part for part in map(str, parts) if not part.isdecimal()]
        ours = self.field_names.get(words[-1], words[-1]) if words else ""
        return ours if ours in self.parameters.model_fields else None

    def begun(self, answer: object) -> str:
        """The handle in the answer to a submission. Raises SubmissionUnknown if there is none that can be used."""
        if isinstance(answer, str) and _HANDLE.fullmatch(answer):
            return answer
        raise SubmissionUnknown(f"{self.provider_title} took the job, but did not say what it calls it.")

    def read(self, kind: type[T], answer: Json) -> T:
        """The answer as the contract has it. Raises ProviderUnavailable for any other."""
        try:
            return kind.model_validate(answer)
        except ValidationError as error:
            raise ProviderUnavailable(f"{self.provider_title} answered otherwise than agreed.") from error


class _Over(GenerationError):
    """There is nothing to stop."""

    def __init__(self) -> None:
        super().__init__("It has ended already.")


def failed(error: GenerationError) -> RemoteStatus:
    """The status of a task that the provider could not do."""
    return RemoteStatus(state=RemoteState.FAILED, error=error)


def is_handle(value: object) -> bool:
    return isinstance(value, str) and _HANDLE.fullmatch(value) is not None
