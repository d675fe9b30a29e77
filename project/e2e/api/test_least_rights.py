"""Reelwork with no more rights at MongoDB and RabbitMQ than the operators' guide tells them to give."""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from run.servers import Mongod, RabbitMQ, ServerMissing
from testkit import pictures
from testkit.caller import expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

PASSWORD = "datenbankpasswort"  # of MongoDB's user
GUIDE = (Path(__file__).resolve().parents[3] / "docs/operations.md").read_text()


def told(name: str) -> Any:
    """The JSON that follows `<!-- tested: name -->` in the guide."""
    found = re.search(rf"<!-- tested: {name} -->\n```json\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def _made(server: type[Mongod] | type[RabbitMQ], folder: Path, **more: list[str]) -> Any:  # one of them
    try:
        return server(folder, **more)
    except ServerMissing as missing:
        pytest.skip(str(missing))  # containers are started without these options


@pytest.fixture(scope="module")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mongod")
    key = folder / "replica.key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(32))
    open_to_all = _made(Mongod, folder)
    open_to_all.start()
    try:
        with MongoClient[dict[str, Any]](open_to_all.url) as root:
            _give_rights(root)
    finally:
        open_to_all.stop()
    server = Mongod(folder, options=["--auth", "--keyFile", str(key)])
    server.start()
    try:
        yield server.url.replace("mongodb://", f"mongodb://reelwork:{PASSWORD}@") + "&authSource=admin"
    finally:
        server.stop()


def _give_rights(root: MongoClient[dict[str, Any]]) -> None:
    """In every database: the test's has a name of its own."""
    everywhere = {"db": "", "collection": ""}
    privileges = [one | {"resource": everywhere} for one in told("mongodb-privileges")]
    leaving = [{"resource": everywhere, "actions": ["dropDatabase"]}]  # the test's own last step
    root.admin.command("createRole", "reelwork", privileges=privileges, roles=[])
    root.admin.command("createRole", "leaving", privileges=leaving, roles=[])
    root.admin.command("createUser", "reelwork", pwd=PASSWORD, roles=["reelwork", "leaving"])


@pytest.fixture(scope="module")
def amqp_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    permissions = [f"default_permissions.{kind} = {names}" for kind, names in told("rabbitmq-permissions").items()]
    server = _made(RabbitMQ, tmp_path_factory.mktemp("rabbitmq"), settings=permissions)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="module")
def stack(mongo_url: str, amqp_url: str, s3: S3Service) -> Iterator[Stack]:
    with running_stack(
        Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url), broker_prefix="", log_level="debug"
    ) as running:
        yield running


@pytest.mark.service
@pytest.mark.slow
def test_a_job_is_made_followed_cancelled_and_erased_with_these_rights(stack: Stack):
    owner = stack.owner
    picture = owner.upload(pictures.picture(size=(64, 40)))
    job = owner.submit("testkit/noop")

    with owner.stream(job["id"]) as events:
        names = [frame.event for frame in events]

    assert names[-1] == "job.completed"
    assert owner.wait(owner.submit("testkit/noop")["id"])["status"] == "completed"
    batch = expect(202, owner.http.post("/v1/batches", json={"items": [{"model": "testkit/noop", "input": {}}] * 2}))
    expect(200, owner.http.get(f"/v1/batches/{batch['id']}"))
    assert owner.http.delete(f"/v1/assets/{picture['id']}").status_code == 204
    assert owner.http.delete(f"/v1/jobs/{job['id']}/data").status_code < 300
    ready = expect(200, owner.http.get("/readyz"))
    assert ready["status"] == "ready", ready


@pytest.mark.service
@pytest.mark.slow
def test_nothing_was_refused_on_the_way(stack: Stack):
    logs = {file.name: file.read_text() for file in stack.folder.glob("*.log")}

    refusals = [
        line
        for text in logs.values()
        for line in text.splitlines()
        if re.search("(?i)not authorized|access_refused|access to .* refused|unauthorized", line)
    ]
    assert logs
    assert refusals == []


@pytest.mark.service
@pytest.mark.slow
@pytest.mark.security
def test_no_password_of_a_server_is_logged_at_whatever_level(stack: Stack, amqp_url: str):
    logs = stack.logs()
    passwords = {PASSWORD, str(urlsplit(amqp_url).password)}

    assert "request.answered" in logs
    assert {password for password in passwords if password in logs} == set()
