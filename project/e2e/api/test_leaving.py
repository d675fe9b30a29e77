"""What people do not need any more: one picture, two films that are the same, and then nothing is left of them."""

from e2e.api.ledger import account_of, check_ended_once, check_storage_agrees
from testkit import pictures
from testkit.caller import expect
from testkit.stack import Stack


def test_a_film_is_made_shown_twice_and_erased(stack: Stack):
    owner = stack.caller("somebody who leaves")
    picture = owner.upload(pictures.picture(size=(320, 240)), "private.jpg")
    values = {"image": picture["id"], "seed": 1, "duration_seconds": 1, "resolution": "480p", "fps": 24}
    made = owner.wait(owner.submit("builtin/camera-move", **values)["id"])
    again = owner.submit("builtin/camera-move", **values)
    (output,) = again["outputs"]
    assert again["cache"] == {"hit": True, "source_job_id": made["id"]}
    assert owner.content(output["asset_id"]) == owner.content(made["outputs"][0]["asset_id"])
    check_ended_once(stack, [made["id"]])
    account = account_of(stack, made["id"])
    check_storage_agrees(stack, account=account, settled=True)

    expect(200, owner.http.delete(f"/v1/jobs/{made['id']}/data"))
    assert owner.content(output["asset_id"]), "the other job has it still"
    check_storage_agrees(stack, account=account, settled=True)
    expect(200, owner.http.delete(f"/v1/jobs/{again['id']}/data"))

    assert owner.http.get(output["url"]).status_code == 404
    assert owner.http.get("/v1/assets").json()["items"] == []
    assert [job["data_removed"] for job in owner.http.get("/v1/jobs").json()["items"]] == [True, True]
    check_storage_agrees(stack, account=account, settled=True)
    assert not [key for key in stack.stored().objects if made["id"] in key or picture["id"] in key]
