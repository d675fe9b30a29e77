"""`builtin/kalman`: levels of a noisy series, filtered and smoothed."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from reelwork.filtering import PLAIN, Arithmetic, Estimate, Kind, TooFewValues, Variances, estimate
from reelwork.generator import (
    Artifact,
    AssetInput,
    GenerationContext,
    InvalidInput,
    MediaGeneratorModel,
    Parameters,
    Resources,
    ui,
)
from reelwork.modelling.report import Report, write_csv, write_json
from reelwork.modelling.table import LARGEST, MOST_OBSERVABLES, Columns, of_file, of_rows

# Longer inputs come as a file or as a saved series: a job's record holds its input.
MOST_IN_INPUT = 20_000
# Up to here plain floats do, wherever it runs; so a short series gives the same bytes in the gateway and in a worker.
SHORT_VALUES = 10_000
# Finding three variances looks at the series some hundred times, two of them some thirty times.
SHORT_TREND_VALUES = 2_000


class SeriesInput:
    """Marks a string parameter as the id of a saved series."""

    PATTERN: ClassVar[str] = r"^ser_[0-9A-Za-z_-]{1,64}$"

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(pattern=self.PATTERN, strict=True)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "format": "series"}


Number = Annotated[float | None, Field(ge=-LARGEST, le=LARGEST)]
Row = Annotated[list[Number], Field(min_length=1, max_length=MOST_OBSERVABLES)]
_Values = (
    Annotated[list[Number], Field(min_length=1, max_length=MOST_IN_INPUT)]
    | Annotated[list[Row], Field(min_length=1, max_length=MOST_IN_INPUT)]
    | None
)
Variance = Annotated[float | None, Field(ge=0, le=LARGEST)]
SeriesRef = Annotated[str, SeriesInput()]
_SOURCES = ("values", "file", "series")
_ONE_SOURCE: dict[str, JsonValue] = {
    "oneOf": [
        {"title": name, "required": [name], "properties": {name: {"type": kind}}}
        for name, kind in zip(_SOURCES, ("array", "string", "string"), strict=True)
    ]
}


class KalmanParameters(Parameters):
    """The series, in one of three ways, and the model of it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra=_ONE_SOURCE)

    values: _Values = Field(
        default=None,
        title="Values",
        description="Numbers in equal steps of time, null where one is missing; or a list of such numbers for each "
        "point, one for each observable.",
    )
    file: Annotated[str, AssetInput(("text/csv", "application/json"))] | None = Field(
        default=None, title="File", description="The same as a CSV or JSON file, where it is long."
    )
    series: SeriesRef | None = Field(
        default=None, title="Saved series", description="A series of POST /v1/series, as it is when the job is made."
    )
    model: Kind = Field(
        default="level",
        title="Model",
        description="A level that wanders, or a level that moves by a slope that wanders.",
        json_schema_extra=ui(widget="choice", labels={"level": "Local level", "trend": "Local linear trend"}),
    )
    smoothing: Literal["filter", "rts"] = Field(
        default="rts",
        title="Smoothing",
        description="By the values so far, or by all of them (Rauch, Tung and Striebel).",
        json_schema_extra=ui(widget="choice", labels={"filter": "Filter only", "rts": "Filter and smooth"}),
    )
    observation_variance: Variance = Field(
        default=None, title="Variance of the noise", description="Empty: by maximum likelihood."
    )
    level_variance: Variance = Field(
        default=None, title="Variance of the level's steps", description="Empty: by maximum likelihood."
    )
    slope_variance: Variance = Field(
        default=None, title="Variance of the slope's steps", description="Of the trend model. Empty: the same."
    )
    band: float = Field(
        default=0.95, gt=0, lt=1, title="Band", description="How sure the bounds are to hold the level."
    )
    csv: bool = Field(default=False, title="CSV too", json_schema_extra=ui(widget="toggle"))

    @model_validator(mode="after")
    def _is_one_series(self) -> Self:
        given = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of values, file and series")
        return self

    @field_validator("values")
    @classmethod
    def _has_points_of_one_length(cls, values: _Values) -> _Values:
        if len({len(point) for point in values or () if isinstance(point, list)}) > 1:
            raise ValueError("give every point as many numbers as the first, null where one is missing")
        return values

    @field_validator("level_variance", "slope_variance")
    @classmethod
    def _leaves_some_noise(cls, value: float | None, info: ValidationInfo) -> float | None:
        """Held against the last of the model's variances."""
        kind: Kind | None = info.data.get("model")
        if kind == "level" and info.field_name == "slope_variance" and value is not None:
            raise ValueError("only the trend model has a slope: leave it out, or take the model trend")
        asked = {**info.data, str(info.field_name): value}
        last = "slope_variance" if kind == "trend" else "level_variance"
        names = ("observation_variance", "level_variance", "slope_variance")[: 3 if kind == "trend" else 2]
        if info.field_name == last and all(asked.get(name) == 0 for name in names):
            raise ValueError("one of the variances must be above 0: leave it out to have it estimated")
        return value

    @property
    def source(self) -> str:
        """The field that the values come by."""
        return next(name for name in _SOURCES if getattr(self, name) is not None)

    @property
    def variances(self) -> Variances:
        return Variances(observation=self.observation_variance, level=self.level_variance, slope=self.slope_variance)


class Kalman(MediaGeneratorModel[KalmanParameters]):
    """A local level or local linear trend for each observable, on its own; in plain floats."""

    id = "builtin/kalman"
    version = "1"
    title = "Kalman filter and smoother"
    description = """
        Takes a noisy series apart into a level, perhaps with a slope, and noise, and says how sure it is. Missing
        values are missing: they widen the band and nothing is made up for them. Variances that are not given are
        estimated by maximum likelihood. With several observables each has a model of its own.
    """
    task = "time-series-filtering"
    produces = ("application/json", "text/csv")
    resources = Resources(cpus=1, memory_mb=1024, time_limit_seconds=600)
    deterministic = True
    is_ai = False
    seconds_hint = 0.5
    examples = (
        {"values": [1.1, 1.3, 0.9, None, 1.6, 2.0, 1.8, 2.2]},
        {"values": [[1.1, 20.0], [1.3, None], [0.9, 19.1], [1.2, 18.7]], "band": 0.8},
        {"values": [2.1, 4.0, 6.2, 7.9, 10.1, 12.0], "model": "trend", "smoothing": "filter"},
    )

    @classmethod
    def is_short(cls, values: Mapping[str, Any], points: int) -> bool:
        """Whether a fraction of a second is enough for an input of the model's schema. `points`: values of the saved
        series that it names, if any."""
        rows = values.get("values")
        if values.get("file") is not None:
            return False
        if isinstance(rows, list):
            points = len(rows) * (len(rows[0]) if rows and isinstance(rows[0], list) else 1)
        return points <= (SHORT_TREND_VALUES if values.get("model") == "trend" else SHORT_VALUES)

    def arithmetic(self, count: int) -> Arithmetic:
        """How a series of so many values is worked on."""
        del count
        return PLAIN

    def generate(self, params: KalmanParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """A JSON document with everything; the same as CSV if it is wanted."""
        columns = self._columns(params, ctx)
        ctx.progress(0.05, "Estimating", stage="generating")
        found = [self._estimate(column, number, params, ctx) for number, column in enumerate(columns)]
        report = Report(columns=columns, estimates=found, band=params.band, asked=params.variances)
        ctx.progress(0.8, "Writing", stage="encoding")
        path = ctx.workdir / "kalman.json"
        write_json(path, report, ctx.check)
        yield Artifact(name="kalman.json", media_type="application/json", path=path)
        if params.csv:
            path = ctx.workdir / "kalman.csv"
            write_csv(path, report, ctx.check)
            yield Artifact(name="kalman.csv", media_type="text/csv", path=path, role="data")

    def _columns(self, params: KalmanParameters, ctx: GenerationContext) -> Columns:
        if params.values is not None:
            columns = of_rows(params.values, source="values")
        elif params.file is not None:
            columns = of_file(ctx.fetch(params.file), source="file")
        else:
            columns = of_file(ctx.fetch(params.series or ""), source="series")
        if not columns:
            raise InvalidInput("There are no values: send one at least.", field=params.source)
        return columns

    def _estimate(self, column: Any, number: int, params: KalmanParameters, ctx: GenerationContext) -> Estimate:
        try:
            return estimate(
                column,
                kind=params.model,
                variances=params.variances,
                smooth=params.smoothing == "rts",
                arithmetic=self.arithmetic(len(column)),
                check=ctx.check,
            )
        except TooFewValues as error:
            raise InvalidInput(f"Observable {number}: {error}", field=params.source) from error
