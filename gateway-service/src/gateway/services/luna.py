"""What Luna's modelling API asks for, as jobs: their results in its shapes, and series that grow with each request."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from gateway.auth import Caller
from gateway.services.answers import AnswerService
from gateway.services.jobs import JobService
from gateway.services.series import SeriesService
from gateway.services.series_shapes import answer_of, nested, question_of, rows_of
from reelwork.contract.jobs import JobBody
from reelwork.contract.series import SeriesBody
from reelwork.contract.sources import FilteredSeries, FilteredStates, KalmanBody, PanasBody, PanasScores
from reelwork.domain.errors import FieldError, GenerationFailed, InvalidInput, ReelworkError
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job

KALMAN, PANAS = "builtin/kalman", "builtin/panas"
_JSON = "application/json"
_METADATA = {"source": "luna"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One request. `job_id`: what its job will be called, the same whenever it is sent again under its key (`keyed`);
    `gone`: whether the client has stopped waiting."""

    caller: Caller
    job_id: JobId
    keyed: bool
    request_id: str
    gone: Callable[[], Awaitable[bool]]


class LunaService:
    """Every method answers within the patience of `AnswerService` and raises what its `completed` and `content` do."""

    def __init__(self, jobs: JobService, series: SeriesService, answers: AnswerService) -> None:
        self._jobs = jobs
        self._series = series
        self._answers = answers

    async def filtered(self, asking: Asking, body: KalmanBody) -> FilteredSeries | FilteredStates:
        """The numbers of the body; with `save` all that were ever saved under its identifier, these the last.

        Saved is what could be a job; if filtering fails after that, it stays saved, and GenerationFailed says so.
        """
        rows = rows_of(body.results)
        if body.save:
            return await self._grown(asking, body, rows)
        job = await self._completed(asking, {"values": rows})
        return answer_of(body.results, await self._result(asking, job))

    async def scored(self, asking: Asking, body: PanasBody) -> PanasScores:
        """The two scores of a questionnaire."""
        job = await self._completed(asking, {"answers": [int(one) for one in body.results]})
        found = await self._result(asking, job)
        return PanasScores(positive_affect=found["positive_affect"], negative_affect=found["negative_affect"])

    async def _grown(self, asking: Asking, body: KalmanBody, rows: list[JsonValue]) -> FilteredSeries | FilteredStates:
        name = body.unique_identifier
        if name is None:
            cure = "Say which series it belongs to."
            fault = FieldError(pointer="#/unique_identifier", code="missing", detail=cure)
            raise InvalidInput("Not valid: #/unique_identifier.", hint=cure, errors=[fault])
        await self._answers.model(KALMAN)
        await self._jobs.check(asking.caller, _wanted({"values": rows}), request_id=asking.request_id)
        lists = len(found) if (found := nested(body.results)) is not None else None
        points = SeriesBody.model_validate({"name": name, "observables": lists or 1, "values": rows})
        series = await self._series.extend(asking.caller, points, mark=asking.job_id if asking.keyed else None)
        try:
            job = await self._completed(asking, {"series": series.id})
        except ReelworkError as error:
            raise (error if error.status >= 500 else _saved_only(error)) from error
        result = await self._result(asking, job)
        history = await self._series.points(job.input_series[0])
        return answer_of(question_of(history, lists), result)

    async def _completed(self, asking: Asking, values: dict[str, JsonValue]) -> Job:
        return await self._answers.completed(
            asking.caller, _wanted(values), request_id=asking.request_id, gone=asking.gone, job_id=asking.job_id
        )

    async def _result(self, asking: Asking, job: Job) -> Any:
        """What the job's JSON document says: of whatever shape the model has."""
        return json.loads(await self._answers.content(asking.caller, job, _JSON))


def _wanted(values: dict[str, JsonValue]) -> JobBody:
    return JobBody(model=PANAS if "answers" in values else KALMAN, input=values, metadata=_METADATA)


def _saved_only(error: ReelworkError) -> GenerationFailed:
    """The client must not take it for a refusal: sent again, the points would be added again."""
    return GenerationFailed(
        f"The points are saved, but the series was not filtered: {error.detail}",
        hint=f"{error.hint or ''} Under the same Idempotency-Key nothing is added twice.".strip(),
    )
