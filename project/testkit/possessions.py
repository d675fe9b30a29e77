"""Something of every kind that an account can own, with real ids: for whoever asks for all of it."""

import re
import uuid
from collections.abc import Mapping

from testkit import pictures
from testkit.caller import Caller, expect
from testkit.waiting import until

# Parameters of paths that name what belongs to nobody.
PUBLIC = frozenset({"name", "code"})
_OUR_ID = re.compile(r"([a-z]+)_[0-9a-z]{26}")


def unknown(name: str) -> str:
    """A name of the same form that nobody has."""
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
        self.ids: dict[str, str] = {"name": "testkit/noop", "code": "job_not_found", "pool": "remote"}
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
        series = expect(201, http.post("/v1/series", json={"name": "measured", "values": [1.0, None, 2.5]}))
        key = expect(201, http.post("/v1/keys", json={"name": "spare", "preset": "observer"}))
        self.ids |= {
            "job_id": film["id"],
            "asset_id": film["outputs"][0]["asset_id"],
            "batch_id": batch["id"],
            "task_id": task["id"],
            "series_id": series["id"],
            "key_id": key["id"],
        }


def _a_worker(operator: Caller) -> str:
    def listed() -> list[str]:
        items = expect(200, operator.http.get("/v1/admin/workers"))["items"]
        return [worker["id"] for worker in items]

    until(listed)
    return listed()[0]


def _an_account(operator: Caller, name: str) -> str:
    body = {"name": name, "tier": "free"}
    return str(expect(201, operator.http.post("/v1/admin/accounts", json=body))["id"])
