"""`expand` in a route's signature: what an answer holds only when it is asked for."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query
from pydantic import StringConstraints

from gateway.auth import Caller
from gateway.content import disposition_of
from gateway.deps import Assets
from gateway.services.assets import AssetService
from reelwork.contract.assets import AssetLink
from reelwork.contract.jobs import JobView, OutputView
from reelwork.domain.errors import FieldError, InvalidRequest
from reelwork.domain.ids import AssetId

OUTPUT_URLS = "outputs.url"
WORDS = (OUTPUT_URLS,)
# Of one parameter: every word there is, some times over.
_LONGEST = 200

_Words = Annotated[str, StringConstraints(max_length=_LONGEST)]


class Expansion:
    """Adds to jobs what was asked for."""

    def __init__(self, words: frozenset[str], assets: AssetService) -> None:
        self._words = words
        self._assets = assets

    def __bool__(self) -> bool:
        """Whether anything is asked for: then no two answers are alike, since addresses are signed anew."""
        return bool(self._words)

    async def of(self, caller: Caller, jobs: Sequence[JobView]) -> list[JobView]:
        """The jobs with signed addresses of their outputs, for all of them by one look at the caller's assets.

        An output that is not the caller's, or was erased, has none. Raises StoreUnavailable.
        """
        wanted = {AssetId(output.asset_id) for job in jobs for output in job.outputs}
        if OUTPUT_URLS not in self._words or not wanted:
            return list(jobs)
        links = await self._assets.links(caller, wanted, disposition_of)
        return [
            job.model_copy(update={"outputs": [_signed(one, links.get(AssetId(one.asset_id))) for one in job.outputs]})
            for job in jobs
        ]


def _signed(output: OutputView, link: AssetLink | None) -> OutputView:
    if link is None:
        return output
    return output.model_copy(update={"signed_url": link.url, "signed_url_expires_at": link.expires_at})


async def _expansion(
    assets: Assets,
    expand: Annotated[
        list[_Words] | None,
        Query(
            max_length=len(WORDS) * 4,
            description=f"`{OUTPUT_URLS}`: each output with a fresh signed address. Separate several by commas.",
            examples=[OUTPUT_URLS],
        ),
    ] = None,
) -> Expansion:
    """Raises InvalidRequest for a word that there is not."""
    words = [word.strip() for text in expand or [] for word in text.split(",")]
    if unknown := [word for word in dict.fromkeys(words) if word not in WORDS]:
        cure = f"It takes: {', '.join(WORDS)}."
        faults = [FieldError(pointer="?expand", code="unknown", detail=f"{word!a} is none. {cure}") for word in unknown]
        raise InvalidRequest("Not valid: ?expand.", hint=cure, errors=faults)
    return Expansion(frozenset(words), assets)


Expand = Annotated[Expansion, Depends(_expansion)]
