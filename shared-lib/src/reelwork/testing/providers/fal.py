"""fal's queue as its documentation and its client have it, with webhooks signed by Ed25519 and the key set for them."""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelwork.testing.providers.behaviour import Refused, Work
from reelwork.testing.providers.media import HEIGHT, PNG, WIDTH
from reelwork.testing.providers.provider import FakeProvider, Order, body_of, read_order

_SIZES = Literal["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
# Failures of the infrastructure, which fal repeats itself before it gives up; the others are the model's own.
_REQUEST_ERRORS = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_server_error": 500,
    "internal_error": 500,
}


class FluxSchnell(Order):
    """The input of fal-ai/flux/schnell, as its schema says."""

    prompt: str
    image_size: _SIZES = "landscape_4_3"
    num_inference_steps: int = Field(default=4, ge=1, le=12)
    seed: int | None = None
    guidance_scale: float = Field(default=3.5, ge=1, le=20)
    sync_mode: bool = False
    num_images: int = Field(default=1, ge=1, le=4)
    enable_safety_checker: bool = True
    output_format: Literal["jpeg", "png"] = "jpeg"
    acceleration: Literal["none", "regular", "high"] = "none"


class FakeFal(FakeProvider):
    """`works` are requests of the queue."""

    name = "fal"
    KEY = "0b1c2d3e-aaaa-bbbb-cccc-0123456789ab:00112233445566778899aabbccddeeff"
    user_id = "github|1"
    REFUSALS: ClassVar[Mapping[str, tuple[int, str]]] = {
        "unauthorized": (401, "Authentication is required to access this application"),
        "exhausted_balance": (403, "User is locked. Reason: Exhausted balance. Top up your balance."),
        "not_found": (404, "Application not found"),
        "internal_error": (500, "Internal Server Error"),
    }
    FAILURES: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(_REQUEST_ERRORS, "The request could not be processed."),
        "content_policy_violation": "The content could not be processed because it contained material flagged.",
        "image_too_large": "The image is too large.",
        "value_error": "Value error.",
        "downstream_service_error": "A service that the model needs has failed.",
    }

    def __init__(self) -> None:
        self.private_key = Ed25519PrivateKey.generate()
        super().__init__()

    def routes(self) -> list[Route]:
        work = "/{owner}/{alias}/requests/{id}"
        return [
            self.route("GET", "/.well-known/jwks.json", self._keys, public=True),
            self.route("GET", f"{work}/status", self._status),
            self.route("PUT", f"{work}/cancel", self._cancel),
            self.route("GET", work, self._result),
            self.route("POST", "/{owner}/{alias}/{path:path}", self._submit),
            self.route("POST", "/{owner}/{alias}", self._submit),
        ]

    def authorized(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Key {self.key}"

    def refusal(self, refused: Refused) -> Response:
        if refused.status == 422:
            where = ["body", *(refused.field or "").split(".")]
            return JSONResponse({"detail": [{"loc": where, "msg": refused.message, "type": refused.code}]}, 422)
        headers = {"x-fal-error-type": refused.code}
        if refused.status == 429:
            headers["retry-after"] = str(self.behaviour.retry_after)
        return JSONResponse({"detail": refused.message, "error_type": refused.code}, refused.status, headers)

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def webhook(self, work: Work) -> tuple[dict[str, str], bytes]:
        ids = {"request_id": work.id, "gateway_request_id": work.id}
        if work.failure:
            told = {"status": "ERROR", "error": f"Invalid status code: {self._failed(work)[0]}"}
            body = json.dumps({**ids, **told, "payload": self._failed(work)[1]}).encode()
        else:
            body = json.dumps({**ids, "status": "OK", "payload": self._images(work)}).encode()
        return self.sign(work.id, body, at=time.time()), body

    def sign(self, request_id: str, body: bytes, *, at: float, key: Ed25519PrivateKey | None = None) -> dict[str, str]:
        """The headers beside a webhook: the signature is over ids, time and the body's digest, line by line."""
        timestamp = str(int(at))
        message = "\n".join((request_id, self.user_id, timestamp, hashlib.sha256(body).hexdigest()))
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": self.user_id,
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": (key or self.private_key).sign(message.encode()).hex(),
        }

    async def _keys(self, _request: Request) -> Response:
        raw = self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return JSONResponse({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "1", "use": "sig"}]})

    async def _submit(self, request: Request) -> Response:
        body, application = await body_of(request), "/".join(request.path_params.values())
        if application.endswith("flux/schnell"):
            read_order(FluxSchnell, body, status=422, code="value_error")
        owner, alias = request.path_params["owner"], request.path_params["alias"]
        webhook = request.query_params.get("fal_webhook")
        work = self.accept({"application": application, **body}, media_type=PNG, webhook_url=webhook)
        # The rest of the application's path is no part of a request's address.
        address = f"{self.url}/{owner}/{alias}/requests/{work.id}"
        urls = {"response_url": address, "status_url": f"{address}/status", "cancel_url": f"{address}/cancel"}
        ids = {"request_id": work.id, "gateway_request_id": work.id}
        return self.accepted(JSONResponse({"status": "IN_QUEUE", **ids, **urls, "queue_position": 0}))

    async def _status(self, request: Request) -> Response:
        work = self.look(self.find(request.path_params["id"]))
        with_logs = request.query_params.get("logs", "").lower() in {"1", "true"}
        logs = [{"message": "Steps 2/4", "level": "INFO", "source": "USER"}] if with_logs else None
        address = str(request.url).rsplit("/status", 1)[0]
        body: dict[str, Any] = {"request_id": work.id, "response_url": address}
        match work.state:
            case "queued":
                return JSONResponse({"status": "IN_QUEUE", "queue_position": 2, **body}, 202)
            case "running":
                return JSONResponse({"status": "IN_PROGRESS", "logs": logs, **body}, 202)
        body |= {"status": "COMPLETED", "logs": logs, "metrics": {"inference_time": 0.42}}
        if work.failure:
            body |= {"error": self.FAILURES[work.failure], "error_type": work.failure}
        return JSONResponse(body)

    async def _result(self, request: Request) -> Response:
        work = self.find(request.path_params["id"])
        if work.state == "cancelled":
            return JSONResponse({"detail": "Request was cancelled"}, 400)
        if not work.has_ended:
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        if work.failure:
            status, payload = self._failed(work)
            return JSONResponse(payload, status, {"x-fal-error-type": work.failure, "x-fal-request-id": work.id})
        return JSONResponse(self._images(work), headers={"x-fal-request-id": work.id})

    async def _cancel(self, request: Request) -> Response:
        work = self.works.get(request.path_params["id"])
        if work is None:
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        if work.has_ended:
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        was_queued = work.state == "queued"
        self._end(work, "cancelled")
        return JSONResponse({"status": "OK"}) if was_queued else JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    def _failed(self, work: Work) -> tuple[int, dict[str, Any]]:
        code = work.failure or ""
        if code in _REQUEST_ERRORS:
            return _REQUEST_ERRORS[code], {"detail": self.FAILURES[code], "error_type": code}
        return 422, {"detail": [{"loc": ["body", "prompt"], "msg": self.FAILURES[code], "type": code}]}

    def _images(self, work: Work) -> dict[str, Any]:
        count = int(work.order.get("num_images", 1))
        image = {"content_type": PNG, "width": WIDTH, "height": HEIGHT, "file_name": "image.png", "file_size": 1000}
        images = [{"url": self.output(work, f"image-{number}.png"), **image} for number in range(count)]
        told = {"seed": work.order.get("seed") or 7, "has_nsfw_concepts": [False] * count}
        return {"images": images, "timings": {"inference": 0.42}, **told, "prompt": work.order["prompt"]}
