"""Points as CSV, where `gateway.routes.series` takes JSON; documented there."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from gateway.deps import CanSubmit, SavedSeries
from gateway.once import OnceOfBody, SpooledBody
from gateway.routes.csv_body import CSV_LIMIT_BYTES, MEDIA_TYPE, CsvRoute
from gateway.services.idempotency import json_answer
from gateway.views import series_view
from reelwork.contract.series import SeriesName
from reelwork.domain.ids import SeriesId, new_request_id, new_series_id
from reelwork.store.idempotency import Ours, StoredAnswer

router = APIRouter(prefix="/v1/series", max_body_size=CSV_LIMIT_BYTES, route_class=CsvRoute, include_in_schema=False)

_CONTENT = {MEDIA_TYPE: {"schema": {"type": "string"}, "example": "value_0,value_1\n1.5,\n2.25,-1e-07\n"}}
# What the JSON routes of the same addresses document of these.
POINTS: dict[str, Any] = {"requestBody": {"content": _CONTENT}}
NEW: dict[str, Any] = POINTS | {
    "parameters": [
        {
            "name": "name",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "With CSV, and then required: the name of the series.",
        }
    ]
}


@router.post("", status_code=201)
async def create_series_of_csv(
    name: Annotated[SeriesName, Query()], caller: CanSubmit, series: SavedSeries, once: OnceOfBody, body: SpooledBody
) -> Response:
    """Make a series of the points in a CSV file, whose header tells how many values each of them has."""

    async def act(ours: Ours) -> StoredAnswer:
        series_id = SeriesId(ours.subject)
        made = await series.create_of_csv(caller, name, body, series_id=series_id, first=ours.first)
        view = series_view(made)
        return json_answer(201, view, {"Location": view.urls.self})

    return await once.answer(new_series_id, act)


@router.post("/{series_id}/points")
async def add_points_of_csv(
    series_id: str, caller: CanSubmit, series: SavedSeries, once: OnceOfBody, body: SpooledBody
) -> Response:
    """Add the points of a CSV file after those that are there: all of them or none."""

    async def act(ours: Ours) -> StoredAnswer:
        mark = ours.subject if ours.holder else None
        return json_answer(200, series_view(await series.append_csv(caller, series_id, body, mark=mark)), {})

    return await once.answer(new_request_id, act)
