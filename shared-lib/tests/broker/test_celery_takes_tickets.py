"""A real Celery worker takes tickets that were built without Celery."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from reelwork.broker.rabbitmq import RabbitMQBroker

Eventually = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]

# The settings that matter to the wire are those of our worker: late acknowledgement, prefetch 1, JSON, no results.
WORKER = """
import os
import pathlib

from celery import Celery

from reelwork.broker.celery_topology import celery_queues
from reelwork.broker.topology import Topology

topology = Topology(prefix=os.environ["PREFIX"])
app = Celery(broker=os.environ["AMQP_URL"])
app.conf.update(
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_detect_quorum_queues=True,
    worker_enable_remote_control=False,
    broker_native_delayed_delivery_queue_type="classic",
    broker_connection_retry_on_startup=True,
    task_create_missing_queues=False,
    task_queues=celery_queues(topology, ["cpu"]),
    task_default_exchange=topology.tickets.name,
)


@app.task(name="reelwork.work", bind=True)
def work(self, pool):
    with pathlib.Path(os.environ["TAKEN"]).open("a") as taken:
        taken.write(f"{pool} {self.request.id} {self.request.delivery_info['redelivered']}\\n")
"""


@asynccontextmanager
async def celery_worker(folder: Path, **environment: str) -> AsyncIterator[None]:
    """A worker process with one child, ended in order and otherwise by force."""
    arguments = ("worker", "-P", "prefork", "-c", "1", "--without-gossip", "--without-mingle", "-l", "WARNING")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "celery", "-A", "taker", *arguments), cwd=folder, env={**os.environ, **environment}
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(30):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def test_celery_runs_each_ticket_once_and_acknowledges_it(
    rabbit: RabbitMQBroker, amqp_url: str, queue_prefix: str, tmp_path: Path, eventually: Eventually
) -> None:
    (tmp_path / "taker.py").write_text(WORKER)
    taken = tmp_path / "taken"
    taken.touch()
    rabbit.publish("cpu", 20)

    async with celery_worker(tmp_path, AMQP_URL=amqp_url, PREFIX=queue_prefix, TAKEN=str(taken)):
        await eventually(lambda: len(taken.read_text().splitlines()) >= 20)

        runs = [line.split() for line in taken.read_text().splitlines()]
        assert {(pool, redelivered) for pool, _, redelivered in runs} == {("cpu", "False")}
        assert len({ticket for _, ticket, _ in runs}) == 20

    assert await rabbit.depth("cpu") == 0  # the worker is gone and nothing came back: all was acknowledged
    assert rabbit.tally.returned == 0
