"""Inflicts the planned faults, each at its time, and puts right what it broke: restarts, thaws, reopens."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from chaos.clients import Clients
from chaos.plan import POINTS, Fault, JobPlan, Kind
from chaos.stand import Gateway, Stand, Worker
from run.servers.process import Server, ServerFailed

log = structlog.get_logger(__name__)

RESTARTS, RESTART_SECONDS = 10, 1.0
POOL_TRIES = 10
POINT_SECONDS = 20.0  # a gateway that has not reached its point by then is let go: something else was down


class Nemesis:
    """`inflicted` counts what was really done; a fault whose victim was not there at its time is not."""

    def __init__(self, stand: Stand, clients: Clients, lures: Sequence[JobPlan]) -> None:
        self._stand = stand
        self._clients = clients
        self._lures = list(lures)
        self.inflicted: Counter[Kind] = Counter()
        self.fallen: Counter[str] = Counter()

    async def look_after(self) -> None:
        """Start again what ended by itself, as whatever looks after processes does; `fallen` counts it, by its name.

        Celery's main process ends if a child of its pool is killed before the pool is up ("Could not start worker
        processes"). Until cancelled.
        """
        while True:
            looked_after: list[Worker | Gateway] = [*self._stand.workers, *self._stand.gateways]
            for one in looked_after:
                if one.busy.locked() or one.server.running:
                    continue
                async with one.busy:
                    self.fallen[one.server.name] += 1
                    await _start_again(one.server)
            await asyncio.sleep(RESTART_SECONDS)

    async def strike(self, faults: Sequence[Fault], begun: float) -> None:
        """All faults at their times (seconds after `begun` on the loop's clock); what hits one victim waits in turn.

        Returns when everything that was broken is whole again. Raises ServerFailed if a server does not come back.
        """
        lures = iter(self._lures)
        async with asyncio.TaskGroup() as tasks:
            for fault in faults:
                lure = next(lures) if fault.kind in POINTS else None
                tasks.create_task(self._at_its_time(fault, begun, lure))

    async def _at_its_time(self, fault: Fault, begun: float, lure: JobPlan | None) -> None:
        await asyncio.sleep(begun + fault.at - asyncio.get_running_loop().time())
        stand = self._stand
        gateway = stand.gateways[fault.target % len(stand.gateways)]
        worker = stand.workers[fault.target % len(stand.workers)]
        match fault.kind:
            case Kind.WORKER_KILLED:
                done = await self._kill(worker.server, worker.busy)
            case Kind.CHILD_KILLED:
                done = await self._kill_child(worker, fault.target)
            case Kind.WORKER_FROZEN:
                done = await self._freeze(worker, fault.lasting)
            case Kind.BROKER_KILLED:
                done = await self._kill(stand.broker, stand.broker_busy, fault.lasting)
            case Kind.MONGOD_KILLED:
                done = await self._kill(stand.mongod, stand.mongod_busy, fault.lasting)
            case Kind.S3_REFUSES:
                done = await self._disturb_s3(stand.s3_proxy.down, fault.lasting)
            case Kind.S3_STALLS:
                done = await self._disturb_s3(self._stall, fault.lasting)
            case Kind.GATEWAY_KILLED:
                done = await self._kill(gateway.server, gateway.busy)
            case _:
                done = await self._kill_at_point(fault, gateway, lure)
        self.inflicted[fault.kind] += done
        log.info("chaos.inflicted", kind=fault.kind.value, at=round(fault.at, 1), done=bool(done))

    async def _kill(self, server: Server, busy: asyncio.Lock, lasting: float = 0.0) -> bool:
        async with busy:
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(lasting)
            await _start_again(server)
        return True

    async def _kill_child(self, worker: Worker, target: int) -> bool:
        async with worker.busy:
            for _ in range(POOL_TRIES):
                children = children_of(worker.server.pid) if worker.server.running else []
                if children:
                    os.kill(children[target % len(children)], signal.SIGKILL)
                    return True
                await asyncio.sleep(RESTART_SECONDS)  # its pool is only just starting
        return False

    async def _freeze(self, worker: Worker, lasting: float) -> bool:
        async with worker.busy:
            if not worker.server.running:
                return False
            group = worker.server.pid
            os.killpg(group, signal.SIGSTOP)
            await asyncio.sleep(lasting)
            os.killpg(group, signal.SIGCONT)
        return True

    async def _stall(self) -> None:
        self._stand.s3_proxy.blackhole()

    async def _disturb_s3(self, disturb: Callable[[], Awaitable[None]], lasting: float) -> bool:
        async with self._stand.s3_busy:
            await disturb()
            await asyncio.sleep(lasting)
            await self._stand.s3_proxy.resume()
        return True

    async def _kill_at_point(self, fault: Fault, gateway: Gateway, lure: JobPlan | None) -> bool:
        assert lure is not None, "there is one for each fault of this kind"
        number = self._stand.gateways.index(gateway)
        async with gateway.busy, asyncio.TaskGroup() as tasks:
            async with gateway.points.armed(fault.kind, lure.tag) as reached:
                tasks.create_task(self._clients.submit(lure, first=number))
                try:
                    await asyncio.wait_for(reached.wait(), POINT_SECONDS)
                except TimeoutError:
                    log.warning("chaos.point_not_reached", kind=fault.kind.value, tag=lure.tag)
                    return False
                await asyncio.to_thread(gateway.server.kill)
            await _start_again(gateway.server)
        return True


async def _start_again(server: Server) -> None:
    """As whatever looks after processes does: until it runs. A gateway ends if MongoDB is away when it starts."""
    for _ in range(RESTARTS):
        try:
            await asyncio.to_thread(server.start)
        except ServerFailed as failed:
            log.warning("chaos.not_started", server=server.name, reason=str(failed)[:100])
            await asyncio.sleep(RESTART_SECONDS)
        else:
            return
    await asyncio.to_thread(server.start)


def children_of(parent: int) -> list[int]:
    """The process's children, oldest first (Linux: fields 1, 4 of /proc/<pid>/stat)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return sorted(found)
