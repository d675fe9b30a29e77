"""Replicate as its HTTP API documents it: predictions, cancel, files, webhooks signed as Standard Webhooks says."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelwork.testing.providers.behaviour import Refused, Work
from reelwork.testing.providers.media import PNG
from reelwork.testing.providers.provider import FakeProvider, Order, body_of, read_order

_STATUS = {"queued": "starting", "running": "processing", "cancelled": "canceled"}
_LOGS = "Using seed: 7\n 25%|##5       | 1/4 [00:00<00:00, 20.1it/s]\n 75%|#######5  | 3/4 [00:00<00:00, 20.3it/s]"
_RATIOS = Literal["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"]


class FluxSchnell(Order):
    """The input of black-forest-labs/flux-schnell, as its schema says."""

    prompt: str
    aspect_ratio: _RATIOS = "1:1"
    num_outputs: int = Field(default=1, ge=1, le=4)
    num_inference_steps: int = Field(default=4, ge=1, le=4)
    seed: int | None = None
    output_format: Literal["webp", "jpg", "png"] = "webp"
    output_quality: int = Field(default=80, ge=0, le=100)
    disable_safety_checker: bool = False
    go_fast: bool = True
    megapixels: Literal["1", "0.25"] = "1"


class _Prediction(Order):
    input: dict[str, Any]  # checked by the model's own schema
    version: str | None = None
    webhook: str | None = None
    webhook_events_filter: list[Literal["start", "output", "logs", "completed"]] | None = None
    stream: bool | None = None


class FakeReplicate(FakeProvider):
    """`works` are predictions; the outputs of flux-schnell are PNG files."""

    name = "replicate"
    KEY = "r8_0123456789abcdefghijklmnopqrstuvwxyz"
    webhook_secret = "whsec_" + base64.b64encode(b"a secret of twenty-four.").decode()
    REFUSALS: ClassVar[Mapping[str, tuple[int, str]]] = {
        "unauthenticated": (401, "You did not pass a valid authentication token"),
        "insufficient_credit": (402, "You have insufficient credit to run this model."),
        "forbidden": (403, "You do not have permission to perform this action."),
        "not_found": (404, "The requested resource could not be found."),
        "invalid_input": (422, "- input.prompt: Must be shorter\n"),
        "internal": (500, "Internal server error."),
    }
    FAILURES: ClassVar[Mapping[str, str]] = {
        "E1000": "Unknown error (E1000)",
        "E1001": "Model ran out of memory (E1001)",
        "E6716": "Timeout starting prediction (E6716)",
        "E005": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
        "nsfw": "NSFW content detected. Try running it again, or try a different prompt.",
        "crashed": "CUDA error: device-side assert triggered",
        "aborted": "",
    }

    def routes(self) -> list[Route]:
        return [
            self.route("POST", "/v1/predictions", self._create),
            self.route("POST", "/v1/models/{owner}/{name}/predictions", self._create),
            self.route("POST", "/v1/deployments/{owner}/{name}/predictions", self._create),
            self.route("GET", "/v1/predictions/{id}", self._get),
            self.route("POST", "/v1/predictions/{id}/cancel", self._cancel),
            self.route("GET", "/v1/webhooks/default/secret", self._secret),
            self.route("POST", "/v1/files", self._upload),
        ]

    def authorized(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {self.key}"

    def refusal(self, refused: Refused) -> Response:
        titles = {401: "Unauthenticated", 402: "Insufficient credit", 422: "Input validation failed"}
        detail = refused.message
        if refused.status == 429:  # without Retry-After: the sentence is all that is documented
            detail = f"Request was throttled. Your rate limit resets in ~{self.behaviour.retry_after}s."
        body: dict[str, object] = {"detail": detail, "status": refused.status}
        if refused.status in titles:
            body["title"] = titles[refused.status]
        if refused.status == 422:
            field = refused.field or "input.prompt"
            body["invalid_fields"] = [{"type": "invalid", "field": field, "description": detail}]
        return JSONResponse(body, refused.status, media_type="application/problem+json")

    def webhook(self, work: Work) -> tuple[dict[str, str], bytes]:
        body = json.dumps(self._prediction(work)).encode()
        return self.sign(body, at=time.time()), body

    def sign(self, body: bytes, *, at: float, secret: str | None = None) -> dict[str, str]:
        """The headers that Standard Webhooks puts beside a body."""
        message_id, timestamp = f"msg_{secrets.token_hex(8)}", str(int(at))
        key = base64.b64decode((secret or self.webhook_secret).removeprefix("whsec_"))
        digest = hmac.new(key, b".".join((message_id.encode(), timestamp.encode(), body)), hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signature}

    async def _create(self, request: Request) -> Response:
        order = read_order(_Prediction, await body_of(request), status=422, code="invalid_input")
        model = "/".join(request.path_params.values())
        if model.endswith("flux-schnell"):
            read_order(FluxSchnell, order.input, status=422, code="invalid_input")
        if not model and not order.version:
            raise Refused(422, "invalid_input", "- version is required\n", field="version")
        taken = {"model": model or "owner/of-the-version", "version": order.version or "hidden", "input": order.input}
        work = self.accept(taken, media_type=PNG, webhook_url=order.webhook)
        if request.headers.get("prefer", "").startswith("wait") and not self.behaviour.hold:
            self._end(work)
        return self.accepted(JSONResponse(self._prediction(work), 201))

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._prediction(self.look(self.find(request.path_params["id"]))))

    async def _cancel(self, request: Request) -> Response:
        work = self.find(request.path_params["id"])
        self._end(work, "cancelled")
        return JSONResponse(self._prediction(work))

    async def _secret(self, _request: Request) -> Response:
        return JSONResponse({"key": self.webhook_secret})

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            content = form.get("content")
            if content is None or isinstance(content, str):
                raise Refused(400, "invalid_request", "content is required", field="content")
            data = await content.read()
        file_id = self.new_id()
        self.uploads[file_id] = data
        address = f"{self.url}/v1/files/{file_id}"
        about = {"id": file_id, "name": content.filename, "content_type": content.content_type, "size": len(data)}
        rest: dict[str, object] = {"etag": file_id, "checksums": {}, "metadata": {}, "created_at": _moment(time.time())}
        return JSONResponse({**about, **rest, "expires_at": None, "urls": {"get": address}}, 201)

    def _prediction(self, work: Work) -> dict[str, object]:
        removed = self.behaviour.outputs_expired and work.has_ended
        done = work.state == "succeeded" and not removed
        count = int(work.order["input"].get("num_outputs", 1))
        failure = self.FAILURES.get(work.failure or "", "")
        status = "aborted" if work.failure == "aborted" else _STATUS.get(work.state, work.state)
        return {
            "id": work.id,
            **work.order,
            "logs": "" if work.state == "queued" else _LOGS,
            "output": [self.output(work, f"out-{number}.png") for number in range(count)] if done else None,
            "data_removed": removed,
            "error": failure or None,
            "source": "api",
            "status": status,
            "created_at": _moment(work.created),
            "started_at": _moment(work.started),
            "completed_at": _moment(work.ended),
            "metrics": {"predict_time": 0.5, "total_time": 0.7} if work.ended else {},
            "urls": {
                "get": f"{self.url}/v1/predictions/{work.id}",
                "cancel": f"{self.url}/v1/predictions/{work.id}/cancel",
            },
        }


def _moment(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z") if seconds else None
