"""Something of every kind that an account can own, with real ids: for whoever asks for all of it."""

import hashlib
import re
import uuid
from collections.abc import Mapping

from testkit import pictures
from testkit.caller import Caller, expect
from testkit.forbidden_urls import PUBLIC_V6
from testkit.waiting import until

# Parameters of paths that name what belongs to nobody.
PUBLIC = frozenset({"name", "code", "version"})
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OUR_ID = re.compile(r"([a-z]+)_[0-9a-z]{26}")


def unknown(name: str) -> str:
    """A name of the same form that nobody has."""
    if _DIGEST.fullmatch(name):
        return "f" * len(name)
    if ours := _OUR_ID.fullmatch(name):
        return f"{ours[1]}_{'0' * 26}"
    return str(uuid.UUID(int=0))


class Possessions:
    """Made through the API, by `caller`; `operator` sees what belongs to the installation.

    `key_id` is of a spare key and `account_id` of a spare account: both may be changed and ended. In the
    pool nothing runs. A parameter of a path that nothing here answers to keeps its value.
    """

    def __init__(self, caller: Caller, operator: Caller) -> None:
        self.caller = caller
        self.ids: dict[str, str] = {"name": "testkit/noop", "code": "job_not_found", "pool": "remote", "version": "1"}
        self._make()
        self.ids["worker_id"] = _a_worker(operator)
        self.ids["account_id"] = _an_account(operator, f"tenant of {self.ids['key_id']}")

    def named(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """These parameters of a path, with real ids where there are some."""
        return {name: self.ids.get(name, value) for name, value in parameters.items()}

    def _make(self) -> None:
        http = self.caller.http
        asset = self.caller.upload(pictures.picture())["id"]
        values = {"image": asset, "duration_seconds": 1, "resolution": "480p", "fps": 24}
        film = self.caller.wait(self.caller.submit("builtin/camera-move", **values)["id"])
        batch = expect(202, http.post("/v1/batches", json={"items": [{"model": "testkit/noop"}]}))
        task = expect(200, http.post("/api/v1/task", files={"file": ("a.jpg", pictures.picture())}))
        measured = {"name": f"measured for {batch['id']}", "values": [1.0, None, 2.5]}
        series = expect(201, http.post("/v1/series", json=measured))
        key = expect(201, http.post("/v1/keys", json={"name": "spare", "preset": "observer"}))
        self._make_of_sources()
        digest = hashlib.sha256(self.caller.content(asset)).hexdigest()
        declared = {"filename": "a.mp4", "content_type": "video/mp4", "bytes": 1000, "sha256": "0" * 64}
        upload = expect(201, http.post("/v1/uploads", json=declared))
        # An address of the internet that this machine has no way to: nothing is ever sent there.
        webhook = expect(201, http.post("/v1/webhooks", json={"url": f"https://[{PUBLIC_V6}]/hook"}))
        delivery = expect(202, http.post(f"/v1/webhooks/{webhook['id']}/test"))
        self.ids |= {
            "webhook_id": webhook["id"],
            "delivery_id": delivery["id"],
            "job_id": film["id"],
            "asset_id": film["outputs"][0]["asset_id"],
            "video_id": film["outputs"][0]["asset_id"],
            "batch_id": batch["id"],
            "task_id": task["id"],
            "series_id": series["id"],
            "key_id": key["id"],
            "upload_id": upload["id"],
            "sha256": digest,
        }

    def _make_of_sources(self) -> None:
        """What the addresses of replaced systems name."""
        body = {"prompt": "a hill", "parameters": {"resolution": "480p"}}
        media = expect(200, self.caller.http.post("/media/generate", json=body))
        self.caller.wait(media["job_id"])
        # A translation wants a film on the web: this is a job with the mark of one.
        marked = {"metadata": {"source": "heygen", "delay": "10"}}
        translation = self.caller.submit(job=marked)
        self.ids |= {"media_id": media["id"], "media_job_id": media["job_id"], "translation_id": translation["id"]}


def _a_worker(operator: Caller) -> str:
    def listed() -> list[str]:
        items = expect(200, operator.http.get("/v1/admin/workers"))["items"]
        return [worker["id"] for worker in items]

    until(listed)
    return listed()[0]


def _an_account(operator: Caller, name: str) -> str:
    body = {"name": name, "tier": "free"}
    return str(expect(201, operator.http.post("/v1/admin/accounts", json=body))["id"])
