"""Settings of the replaced systems' surfaces."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from gateway.surfaces import NAMES, SurfaceName
from reelwork.runtime.fetching import FetchSettings

_ALL = "all"


def _names(text: str) -> str:
    """Raises ValueError for a name that no surface has."""
    wrong = [name for name in _listed(text) if name not in {*NAMES, _ALL}]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no surface; give {_ALL}, or some of {', '.join(NAMES)}, by commas")
    return text


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


class SourceSettings(FetchSettings):
    """Which surfaces are on, until when, and what makes their things."""

    compat: Annotated[
        str,
        AfterValidator(_names),
        Field(
            description="Replaced systems whose addresses are served: `all`, or some of "
            f"`{','.join(NAMES)}`, by commas. Empty: none; then they answer 404."
        ),
    ] = _ALL
    sources_sunset: Annotated[
        AwareDatetime, Field(description="Until when they are served, as their answers say: RFC 3339.")
    ] = datetime(2027, 12, 31, tzinfo=UTC)
    luma_model: Annotated[str, Field(description="What makes the videos of `/v1/generate`.")] = (
        "builtin/landscape-video"
    )
    luma_page_model: Annotated[
        str, Field(description="What turns pages into markdown for `/v1/scrape/playwright`.")
    ] = "builtin/web-markdown"
    fleek_model: Annotated[str, Field(description="What makes the pictures of `/media/generate`.")] = (
        "builtin/landscape"
    )
    heygen_model: Annotated[str, Field(description="What translates the videos of `/translate/`.")] = (
        "simulated/video-translation"
    )

    heygen_shortest_delay: Annotated[
        int, Field(ge=0, le=600, description="Least delay in seconds that a simulated translation draws.")
    ] = 10
    heygen_longest_delay: Annotated[int, Field(ge=0, le=600, description="Longest one.")] = 60

    @property
    def surfaces(self) -> frozenset[SurfaceName]:
        """Those that are on."""
        wanted = _listed(self.compat)
        return frozenset(name for name in NAMES if name in wanted or _ALL in wanted)
