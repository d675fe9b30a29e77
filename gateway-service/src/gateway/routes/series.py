"""Saved series: made, added to, read, exported, deleted."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import StreamingResponse

from gateway.deps import CanExport, CanList, CanManage, CanRead, CanSubmit, SavedSeries
from gateway.headers import documented
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.problems import keyed_problems
from gateway.routes import series_csv
from gateway.routes.csv_body import MEDIA_TYPE
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.services.idempotency import json_answer
from gateway.views import series_view
from reelwork.contract.series import PointsBody, SeriesBody, SeriesName, SeriesPage, SeriesView
from reelwork.domain.errors import InvalidCursor, SeriesExists, SeriesNotFound, Unavailable
from reelwork.domain.ids import SeriesId, new_request_id, new_series_id
from reelwork.objects.disposition import content_disposition
from reelwork.store.idempotency import Ours, StoredAnswer


class _PointsRoute(JsonRoute):
    besides = (MEDIA_TYPE,)


router = APIRouter(prefix="/v1/series", tags=["series"], max_body_size=JSON_LIMIT_BYTES, route_class=_PointsRoute)

_MADE = documented({"Location": "The series."}) | REPLAYED
_TYPES = {"csv": "text/csv", "json": "application/json"}
_EXAMPLES = {"one": {"value": {"name": "heart rate", "values": [61.5, 62.0, None, 64.5]}}}


@router.post(
    "",
    status_code=201,
    response_model=SeriesView,
    openapi_extra=series_csv.NEW,
    responses={
        201: {"description": "Made.", "headers": _MADE},
        **keyed_problems(SeriesNotFound, SeriesExists, Unavailable, *BODY_REFUSALS, *KEY_REFUSALS),
    },
)
async def create_series(
    body: Annotated[SeriesBody, Body(openapi_examples=_EXAMPLES)], caller: CanSubmit, series: SavedSeries, once: Once
) -> Response:
    """Make a series, perhaps with its first points. A job names it as its input.

    So an export is imported: JSON of at most 20,000 numbers (1 MiB), or as `text/csv` with the name in `?name=`, which
    may have as many as a series (2,000,000, 64 MiB).
    """

    async def act(ours: Ours) -> StoredAnswer:
        made = await series.create(caller, body, series_id=SeriesId(ours.subject), first=ours.first)
        view = series_view(made)
        return json_answer(201, view, {"Location": view.urls.self})

    return await once.answer(new_series_id, act)


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_series(
    caller: CanList,
    series: SavedSeries,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    name: Annotated[
        SeriesName | None, Query(description="The one of this name, if you have it; alone, whatever `cursor`.")
    ] = None,
) -> SeriesPage:
    """Your series, newest first."""
    page = await series.page(caller, cursor=cursor, limit=limit, name=name)
    items = [series_view(found) for found in page.items]
    return SeriesPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.get("/{series_id}", responses=keyed_problems(SeriesNotFound))
async def get_series(series_id: str, caller: CanRead, series: SavedSeries) -> SeriesView:
    """One series, without its points."""
    return series_view(await series.get(caller, series_id))


@router.delete("/{series_id}", status_code=204, responses=keyed_problems(SeriesNotFound))
async def delete_series(series_id: str, caller: CanManage, series: SavedSeries) -> None:
    """Delete it with its points. Jobs that name it and have not started fail; results that were made of it stay."""
    await series.delete(caller, series_id)


@router.post(
    "/{series_id}/points",
    response_model=SeriesView,
    openapi_extra=series_csv.POINTS,
    responses={
        200: {"description": "Added.", "headers": REPLAYED},
        **keyed_problems(SeriesNotFound, Unavailable, *BODY_REFUSALS, *KEY_REFUSALS),
    },
)
async def add_points(series_id: str, body: PointsBody, caller: CanSubmit, series: SavedSeries, once: Once) -> Response:
    """Add points after those that are there: all of them or none, and under an `Idempotency-Key` once.

    As JSON at most 20,000 numbers; as `text/csv` what an export writes: a header (`value`, or `value_0,value_1,…`),
    then a line for each point, with an empty cell where a value is missing; at most 64 MiB.
    """

    async def act(ours: Ours) -> StoredAnswer:
        grown = await series.append(caller, series_id, body.values, mark=ours.subject if ours.holder else None)
        return json_answer(200, series_view(grown), {})

    return await once.answer(new_request_id, act)


@router.get(
    "/{series_id}/export",
    response_class=Response,
    responses={
        200: {"description": "All points.", "content": {media_type: {} for media_type in _TYPES.values()}},
        **keyed_problems(SeriesNotFound),
    },
)
async def export_series(
    series_id: str,
    caller: CanExport,
    series: SavedSeries,
    form: Annotated[Literal["csv", "json"], Query(alias="format")] = "json",
) -> Response:
    """The points, streamed: as JSON, or as CSV with a line for each point. `POST /v1/series` takes either again, CSV
    however long it is."""
    found = await series.get(caller, series_id)
    return StreamingResponse(
        series.export(found, form),
        media_type=_TYPES[form],
        headers={
            "Content-Disposition": content_disposition("attachment", f"{found.id}.{form}"),
            "Cache-Control": "no-store",
        },
    )
