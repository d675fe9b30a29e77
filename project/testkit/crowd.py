"""Many requests at once."""

import asyncio
from collections.abc import Sequence

import httpx2 as httpx


async def counted_at_once(urls: Sequence[str], *, key: str) -> list[httpx.Response]:
    """The answers to a GET of each address, all sent together and all counted by the rate limiter.

    Hundreds that come to a gateway which does not know the key yet all look for it in the store, and on a machine that
    is short of time some are answered 503 before they are counted: those ask again.
    """
    limits = httpx.Limits(max_connections=len(urls))
    async with httpx.AsyncClient(headers={"X-API-Key": key}, timeout=120, limits=limits) as client:

        async def ask(url: str) -> httpx.Response:
            while True:
                answer = await client.get(url)
                if "ratelimit-policy" in answer.headers:
                    return answer

        return await asyncio.gather(*map(ask, urls))
