"""Models that run elsewhere: a provider is asked once, then waited for without holding anything of ours.

    submit ──▶ handle, stored at once ──▶ poll … poll ──▶ outputs, fetched at once
                                            └─ cancel

`submit`, `recover`, `poll` and `cancel` are each one short exchange with the provider, called in a worker's thread,
perhaps each in another process, so that a model keeps nothing between them. A submission may cost money: it is made
once, and what a crash leaves unknown is decided by `recover`.
"""

import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, NoReturn
from urllib.parse import urlsplit

from reelwork.generator.artifact import Artifact, Role
from reelwork.generator.base import MediaGeneratorModel, P
from reelwork.generator.context import GenerationContext
from reelwork.generator.errors import GenerationError, SubmissionUnknown
from reelwork.generator.resources import Pool, Resources


class RemoteState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in {RemoteState.SUCCEEDED, RemoteState.FAILED, RemoteState.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOutput:
    """One result: at `url`, or already a file at `path` in the context's workdir; exactly one of them.

    `name` without an ending, or with the right one. `media_type` is what the provider says, None if it does not: the
    platform looks at the bytes, and refuses what the model does not produce. `meta` holds JSON values.
    """

    name: str
    url: str | None = None
    path: Path | None = None
    media_type: str | None = None
    role: Role = "primary"
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.url is None) == (self.path is None):
            raise ValueError(f"The output {self.name!r} needs either a url or a path.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStatus:
    """What a provider says of a task. `progress`: 0 to 1, None where it does not tell. `error`: with FAILED only, and
    always then. `outputs`: with SUCCEEDED only, one at least. `poll_after`: the wait in seconds before it is worth
    asking again, None to leave that to the platform. `cost_usd`: what the provider charges for it, where it says so; it
    goes to the operator's log, and changes nothing of what the job costs here.
    """

    state: RemoteState
    progress: float | None = None
    message: str = ""
    outputs: tuple[RemoteOutput, ...] = ()
    error: GenerationError | None = None
    poll_after: float | None = None
    cost_usd: float | None = None

    def __post_init__(self) -> None:
        if (self.error is not None) != (self.state is RemoteState.FAILED):
            raise ValueError(f"A status has an error if it is failed, and only then, not with {self.state}.")
        if bool(self.outputs) != (self.state is RemoteState.SUCCEEDED):
            raise ValueError(f"A status has outputs if it succeeded, and only then, not with {self.state}.")


class BadSignature(Exception):
    """A webhook that its provider did not send, or whose signature cannot be checked. Nothing of it is believed."""


class RemoteModel(MediaGeneratorModel[P]):
    """A model of a provider. A subclass states what every model does, names the provider, and implements `submit` and
    `poll`, and `cancel` where the provider can.

    The provider's key is an environment variable of the worker, by the provider's own name for it; a model without its
    key is absent. The address is `base_url`, unless `<PROVIDER>_BASE_URL` says otherwise.
    """

    resources: ClassVar[Resources] = Resources(pool=Pool.REMOTE, memory_mb=64, time_limit_seconds=1800)
    provider: ClassVar[str]
    """One word, lower case: `replicate`. Models of one provider share its circuit breaker."""
    base_url: ClassVar[str]
    """Without a slash at its end."""
    credential: ClassVar[str]
    """The environment variable with the key: `REPLICATE_API_TOKEN`."""
    fallbacks: ClassVar[tuple[str, ...]] = ()
    """Models of other providers that may do a job in this one's place, best first; they take the same parameters by
    the same names, or a job that sets others stays here."""

    @classmethod
    def available(cls) -> str | None:
        if not os.environ.get(cls.credential):
            return f"{cls.credential} is not set: put the key of {cls.provider} into the worker's environment."
        address = urlsplit(cls.address())
        if address.scheme not in {"https", "http"} or not address.hostname or address.query or address.fragment:
            return f"{cls.address_setting()} is not a web address such as {cls.base_url}."
        return None

    @classmethod
    def address_setting(cls) -> str:
        """The environment variable that replaces `base_url`: for tests, proxies and other regions."""
        return f"{cls.provider.upper().replace('-', '_')}_BASE_URL"

    @classmethod
    def address(cls) -> str:
        """Where the provider is asked, without a slash at the end."""
        return os.environ.get(cls.address_setting(), cls.base_url).rstrip("/")

    @classmethod
    def key(cls) -> str:
        """The provider's key. Raises KeyError where `available` says that there is none."""
        return os.environ[cls.credential]

    @abstractmethod
    def submit(self, params: P, ctx: GenerationContext) -> str | RemoteStatus:
        """Ask the provider to begin; its handle, which is all that the other methods get.

        A provider that answers with the result returns a status that is over, its outputs as files in `ctx.workdir`.
        `ctx.call_key` is the same whenever this submission is made again: for the provider's idempotency key or its
        metadata. `ctx.webhook_url`: where the provider may say that something happened, None if nowhere.

        Raises GenerationError. ProviderUnavailable and RateLimited promise that nothing was begun; where that is not
        known, raise SubmissionUnknown.
        """

    def recover(self, params: P, ctx: GenerationContext) -> str | RemoteStatus:
        """In the place of `submit`, when it is not known whether an earlier one with this `ctx.call_key` arrived.

        Return the handle of what was begun, or begin it now if it certainly was not. Unless overridden it raises
        SubmissionUnknown, which fails the job: no result is better than two bills. A provider that recognises
        `ctx.call_key` needs `return self.submit(params, ctx)` alone.
        """
        del params, ctx  # for those that can tell
        raise SubmissionUnknown(
            f"It is not known whether {self.provider} took the job, and it may charge for it, so it was not asked "
            "again. Look there, then send the job anew."
        )

    @abstractmethod
    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:
        """How the task is now. May be called again after it is over, with the same answer.

        Raises ProviderUnavailable or RateLimited when the provider cannot be asked: it will be, later. The failure of
        the task itself is a status.
        """

    def cancel(self, handle: str, ctx: GenerationContext) -> None:
        """Ask the provider to stop; fine if it has ended already. Raises GenerationError.

        Where a provider has no such call there is nothing to override: the result is then not fetched.
        """
        del handle, ctx

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str, RemoteStatus]:
        """The handle and the status that a webhook tells of, by headers in lower case and the body as it came.

        Raises BadSignature. It only makes the next poll come sooner: nothing else is concluded from it.
        """
        del headers, body
        raise BadSignature(f"{self.id} takes no webhooks.")

    def generate(self, params: P, ctx: GenerationContext) -> Iterable[Artifact]:
        """Not for models that run elsewhere: the platform calls their own methods."""
        _not_here(self, params, ctx)


def _not_here(model: "RemoteModel[P]", _params: P, _ctx: GenerationContext) -> NoReturn:
    raise TypeError(f"{model.id} runs elsewhere: it is submitted and polled, not run.")
