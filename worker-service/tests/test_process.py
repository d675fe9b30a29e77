"""What surrounds the runner: pool processes of Celery, and the worker inside another process."""

import asyncio
from pathlib import Path

import pytest
from celery.signals import heartbeat_sent
from pydantic import SecretStr
from pymongo import MongoClient
from structlog.testing import capture_logs

from reelwork.broker.inprocess import InProcessBroker
from reelwork.broker.topology import TASK_NAME
from reelwork.domain.job import Status
from testkit.services import S3Service, UrlService, fresh_bucket
from testkit.stack import Servers, Stack
from testkit.waiting import until
from testkit.world import terms
from worker import process
from worker.board import Board
from worker.celery_app import make_app
from worker.inprocess import open_worker
from worker.process import PoolProcess
from worker.settings import WorkerSettings

NOOP = "testkit/noop"


@pytest.fixture
def settings(mongo_url, s3, opened):
    """Those of a worker on the workshop's database and bucket; nobody listens where its broker should be."""
    return WorkerSettings(
        mongo_url=SecretStr(mongo_url),
        mongo_database=opened.database.name,
        broker_url=SecretStr("amqp://guest:guest@127.0.0.1:9/"),
        s3_endpoint_url=s3.endpoint_url,
        s3_region=s3.region,
        s3_bucket=opened.objects._bucket,
        s3_access_key=SecretStr(s3.keys.name),
        s3_secret_key=SecretStr(s3.keys.secret),
        model_modules="testkit.models",
        niceness=0,
        worker_name="studio",
    )


async def test_a_pool_process_runs_what_a_ticket_leads_to_even_while_rabbitmq_is_away(workshop, settings):
    jobs = [await workshop.submit(terms(), model=NOOP) for _ in range(3)]
    pool_process = PoolProcess(settings, Board(patience=settings.patience))

    await asyncio.to_thread(pool_process.open)
    await asyncio.to_thread(pool_process.work, "cpu")
    await asyncio.to_thread(pool_process.close)

    done = [await workshop.world.read(job) for job in jobs]
    assert {job.status for job in done} == {Status.COMPLETED}
    assert {attempt.worker.rpartition("-")[0] for job in done for attempt in job.attempts} == {"studio"}


def test_a_pool_process_that_was_not_opened_takes_no_ticket(settings):
    with pytest.raises(RuntimeError, match="not opened"):
        PoolProcess(settings, Board(patience=settings.patience)).work("cpu")


def test_a_pool_process_that_cannot_connect_ends(settings, monkeypatch):
    ended = []
    monkeypatch.setattr(process, "_end_process", lambda: ended.append(1))
    monkeypatch.setattr(process, "PAUSE_SECONDS", 0)
    unreachable = settings.model_copy(update={"mongo_url": SecretStr("no://address")})
    lost = PoolProcess(unreachable, Board(patience=settings.patience))

    lost.open_or_end()
    lost.close()

    assert ended == [1]


@pytest.mark.slow
def test_a_worker_that_started_before_mongodb_works_as_soon_as_it_is_there(
    own_mongod: UrlService, amqp_url: str, s3: S3Service, tmp_path: Path
):
    def cards():
        return client["late"]["models"].count_documents({})

    with fresh_bucket(s3) as bucket:
        stack = Stack(Servers(mongo_url=own_mongod.url, s3=s3, amqp_url=amqp_url), "late", bucket, tmp_path)
        own_mongod.stop()
        worker = stack.start_worker()
        try:
            until(lambda: "worker.process_ended" in (tmp_path / "worker-0.log").read_text())
            own_mongod.start()

            with MongoClient(own_mongod.url) as client:
                until(cards)
        finally:
            worker.kill()


async def test_a_worker_inside_another_process_runs_jobs_and_publishes_its_models(workshop, settings, eventually):
    async def is_done():
        return (await workshop.world.read(job)).status is Status.COMPLETED

    broker = InProcessBroker()
    async with open_worker(settings, broker):
        job = await workshop.submit(model=NOOP)
        broker.publish("cpu")
        await eventually(is_done)
        card = await eventually(lambda: workshop.world.database["models"].find_one({"name": NOOP}))

    assert card["title"] == "No-op"


async def test_a_worker_inside_another_process_that_waits_for_its_jobs_says_so(workshop, settings, eventually):
    async def runs():
        return (await workshop.world.read(job)).status is Status.PROCESSING

    broker = InProcessBroker()
    with capture_logs() as lines:
        async with open_worker(settings.model_copy(update={"drain_seconds": 0.2}), broker):
            job = await workshop.submit(model=NOOP, input={"seconds": 60})
            broker.publish("cpu")
            await eventually(runs)

    (line,) = [line for line in lines if line["event"] == "worker.resting"]
    assert (line["jobs"], "0.2 s to end" in line["hint"]) == ([job.id], True)


async def test_a_job_that_cannot_be_read_does_not_end_the_worker_inside_another_process(workshop, settings, eventually):
    """One bad document must not keep everybody else from being served."""

    async def it_was_taken():
        return (await workshop.world.raw(bad.id))["lease"]

    async def is_done():
        return (await workshop.world.read(good)).status is Status.COMPLETED

    lane, broker = terms(), InProcessBroker()
    async with open_worker(settings.model_copy(update={"concurrency": 1}), broker):
        bad = await workshop.submit(lane, model=NOOP)
        await workshop.world.database["jobs"].update_one(
            {"_id": bad.id}, {"$set": {"created_at": "yesterday", "tags": 7}}
        )
        broker.publish("cpu")
        await eventually(it_was_taken)
        good = await workshop.submit(lane, model=NOOP)
        broker.publish("cpu")
        await eventually(is_done)


def test_celery_is_told_everything_that_its_defaults_get_wrong(settings):
    conf = make_app(settings).conf

    told = {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "result_backend": None,
        "accept_content": ["json"],
        "task_serializer": "json",
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_channel_error_retry": True,
        "broker_connection_max_retries": None,
        "task_create_missing_queues": False,
    }
    assert {name: conf[name] for name in told} == told


def test_a_worker_takes_tickets_of_its_own_pool_only_and_declares_them_as_the_gateway_does(settings):
    app = make_app(settings.model_copy(update={"pool": "gpu", "broker_prefix": "shop."}))

    (queue,) = app.conf.task_queues
    assert queue.name == app.conf.task_default_queue
    assert queue.name.startswith("shop.")
    assert "gpu" in queue.name
    assert queue.queue_arguments["x-queue-type"] == "quorum"


def test_there_is_one_task_and_it_is_the_one_that_tickets_name(settings):
    own = [name for name in make_app(settings).tasks if not name.startswith("celery.")]

    assert own == [TASK_NAME]


def test_the_sign_of_life_is_a_file_that_every_heartbeat_touches(settings, tmp_path):
    file = tmp_path / "alive"
    make_app(settings.model_copy(update={"alive_file": file}))
    assert not file.exists(), "no heartbeat yet"

    heartbeat_sent.send(sender=None)

    assert file.exists()
