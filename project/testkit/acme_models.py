"""Models that run at `testkit.acme`: a usual provider, one that can be asked what it has, and one that answers at once.

Name the module to a worker as an extra module of models; `ACME_API_TOKEN` and `ACME_BASE_URL` say where it is.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import ClassVar

from reelwork.fetch.provider import ProviderApi
from reelwork.generator import (
    BadSignature,
    ContentRejected,
    GenerationContext,
    Parameters,
    Pool,
    RemoteModel,
    RemoteOutput,
    RemoteState,
    RemoteStatus,
    Resources,
)

_STATES = {"succeeded": RemoteState.SUCCEEDED, "cancelled": RemoteState.CANCELLED, "failed": RemoteState.FAILED}


def signature(secret: str, body: bytes) -> str:
    """What Acme's webhooks are signed with."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


class Prompt(Parameters):
    prompt: str = ""


class Picture(RemoteModel[Prompt]):
    """A task, a handle, looks, a picture at an address."""

    id, version, task = "acme/picture", "1", "text-to-image"
    title, description = "Acme Picture", "Is asked for, waited for and fetched."
    produces, is_ai = ("image/png", "image/jpeg"), True
    provider, base_url, credential = "acme", "https://api.acme.example", "ACME_API_TOKEN"
    resources: ClassVar[Resources] = Resources(pool=Pool.REMOTE, memory_mb=64, time_limit_seconds=600)

    def submit(self, params: Prompt, ctx: GenerationContext) -> str | RemoteStatus:
        asked = {"prompt": params.prompt, "webhook": ctx.webhook_url}
        return str(self._api().begin("/v1/tasks", asked, headers={"Idempotency-Key": ctx.call_key})["id"])

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:  # noqa: ARG002  (the interface has it)
        said = self._api().get(f"/v1/tasks/{handle}")
        state = _STATES.get(said["state"], RemoteState.RUNNING)
        return RemoteStatus(
            state=state,
            progress=said["progress"],
            outputs=tuple(RemoteOutput(name="picture", url=url) for url in said["outputs"]),
            error=ContentRejected(said["error"]) if state is RemoteState.FAILED else None,
            poll_after=0.5,
        )

    def cancel(self, handle: str, ctx: GenerationContext) -> None:  # noqa: ARG002  (the interface has it)
        self._api().post(f"/v1/tasks/{handle}/cancel")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str, RemoteStatus]:
        if not hmac.compare_digest(headers.get("acme-signature", ""), signature(self.key(), body)):
            raise BadSignature("Acme did not sign this.")
        return str(json.loads(body)["id"]), RemoteStatus(state=RemoteState.RUNNING)

    def _api(self) -> ProviderApi:
        headers = {"Authorization": f"Bearer {self.key()}"}
        return ProviderApi(name="Acme", address=self.address(), headers=headers, seconds=10)


class Traced(Picture):
    """Finds what was begun by the key that it was given."""

    id, title = "acme/traced", "Acme Traced"

    def recover(self, params: Prompt, ctx: GenerationContext) -> str | RemoteStatus:
        found = self._api().get("/v1/tasks", params={"key": ctx.call_key})["items"]
        return str(found[0]) if found else self.submit(params, ctx)


class Instant(Picture):
    """Answers with the picture itself."""

    id, title = "acme/instant", "Acme Instant"

    def submit(self, params: Prompt, ctx: GenerationContext) -> RemoteStatus:
        said = self._api().begin("/v1/pictures", {"prompt": params.prompt})
        path = ctx.workdir / "answer.png"
        path.write_bytes(base64.b64decode(said["picture"]))
        return RemoteStatus(state=RemoteState.SUCCEEDED, outputs=(RemoteOutput(name="answer", path=path),))


class Backed(Picture):
    """Another provider may do its jobs."""

    id, title = "acme/backed", "Acme Backed"
    fallbacks = ("spare/picture",)


class Spare(Picture):
    """The same at another provider, which knows no other parameters than these."""

    id, title = "spare/picture", "Spare Picture"
    provider, base_url, credential = "spare", "https://api.spare.example", "SPARE_API_TOKEN"
