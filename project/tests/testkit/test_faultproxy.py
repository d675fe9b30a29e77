"""The proxy that fails on command: what each fault looks like to a client."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from testkit.faultproxy import Chunk, FaultProxy

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.read(65536):
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy(echo_port: int) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.to(echo_port) as running:
        yield running


@pytest.fixture
async def stream(proxy: FaultProxy) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield reader, writer
    writer.transport.abort()


async def passes_elsewhere(echo_port: int) -> None:
    """A round trip to the same server past the proxy: whatever the proxy had let through would be there by now."""
    beside = await asyncio.open_connection("127.0.0.1", echo_port)
    assert await echoed(beside, b"beside") == b"beside"
    beside[1].transport.abort()


async def echoed(stream: Stream, text: bytes) -> bytes:
    stream[1].write(text)
    return await asyncio.wait_for(stream[0].readexactly(len(text)), 30)


async def test_bytes_pass_both_ways(stream: Stream) -> None:
    big = bytes(range(256)) * 4096

    assert await echoed(stream, big) == big


async def test_end_of_one_side_is_the_end_of_the_other(stream: Stream) -> None:
    reader, writer = stream
    writer.write(b"bye")
    writer.write_eof()

    assert await asyncio.wait_for(reader.read(), 30) == b"bye"


async def test_latency_delays_each_way(echo_port: int) -> None:
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    async with FaultProxy.to(echo_port, pause=pause) as proxy:
        proxy.latency = 0.1
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await echoed((reader, writer), b"hello")
        writer.transport.abort()

    assert paused == [0.1, 0.1]


async def test_blackhole_keeps_the_connection_and_passes_nothing_until_resume(echo_port: int) -> None:
    arrived = asyncio.Event()

    async def watch(_chunk: Chunk) -> None:
        arrived.set()

    async with FaultProxy.to(echo_port, watch=watch) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.blackhole()
        writer.write(b"lost?")
        back = asyncio.create_task(reader.readexactly(5))
        await arrived.wait()
        await passes_elsewhere(echo_port)
        assert not back.done()

        await proxy.resume()

        assert await asyncio.wait_for(back, 30) == b"lost?"
        writer.transport.abort()


async def test_reset_breaks_present_connections_and_serves_new_ones(proxy: FaultProxy, stream: Stream) -> None:
    await echoed(stream, b"connected")

    await proxy.reset()

    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(stream[0].read(1), 30)
    again = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await echoed(again, b"hello") == b"hello"
    again[1].transport.abort()


async def test_down_refuses_until_resume_on_the_same_port(proxy: FaultProxy, stream: Stream) -> None:
    await echoed(stream, b"connected")
    port = proxy.port

    await proxy.down()

    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(stream[0].read(1), 30)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await proxy.resume()
    again = await asyncio.open_connection("127.0.0.1", port)
    assert await echoed(again, b"hello") == b"hello"
    again[1].transport.abort()


async def test_absent_target_is_a_reset() -> None:
    async with FaultProxy.to(1) as proxy:  # port 1: nothing listens there
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 30)

        writer.transport.abort()


async def test_a_watch_sees_both_ways_and_holds_back_what_it_wants(echo_port: int) -> None:
    seen: list[tuple[bool, bytes]] = []
    held, go_on = asyncio.Event(), asyncio.Event()

    async def watch(chunk: Chunk) -> None:
        seen.append((chunk.upstream, chunk.data))
        if not chunk.upstream:
            held.set()
            await go_on.wait()

    async with FaultProxy.to(echo_port, watch=watch) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")
        back = asyncio.create_task(reader.readexactly(5))
        await held.wait()
        await passes_elsewhere(echo_port)
        assert not back.done()
        go_on.set()
        assert await asyncio.wait_for(back, 30) == b"hello"
        writer.transport.abort()

    assert seen == [(True, b"hello"), (False, b"hello")]
