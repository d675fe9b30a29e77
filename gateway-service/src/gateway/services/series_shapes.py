"""Series as Luna's clients write them, one list for each, and as the filter wants them, one row for each step."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from reelwork.contract.sources import FilteredSeries, FilteredStates
from reelwork.domain.errors import FieldError, InvalidInput

Values = Sequence[float | None]


def rows_of(results: Values | Sequence[Values]) -> list[JsonValue]:
    """Numbers, or for several series a list of them for each step. Raises InvalidInput for different lengths."""
    series = nested(results)
    if series is None:
        return list(results)  # type: ignore[arg-type]  # a flat list, then
    if len({len(one) for one in series}) > 1:
        cure = "All lists must have the same length; write null where a value is missing."
        fault = FieldError(pointer="#/results", code="different_lengths", detail=cure)
        raise InvalidInput("Not valid: #/results.", hint=cure, errors=[fault])
    if len(series) == 1:
        return list(series[0])
    return [list(row) for row in zip(*series, strict=True)]


def nested(results: Values | Sequence[Values]) -> Sequence[Values] | None:
    """The series of a list of lists; None for a flat list."""
    return results if isinstance(results[0], list) else None  # type: ignore[return-value]  # told by its first


def question_of(values: Values, lists: int | None) -> list[Any]:
    """Values, point after point, as Luna's clients would write them: flat, or one list for each of so many series."""
    return list(values) if lists is None else [list(values[at::lists]) for at in range(lists)]


def answer_of(results: Any, found: Mapping[str, Any]) -> FilteredSeries | FilteredStates:
    """What the filter found (its JSON document, hence `Any`), in the shape of the question."""
    series = nested(results)
    if series is None:
        return FilteredSeries(processed_results=found["filtered_data"], input_data=results)
    return FilteredStates(
        filtered_data=_columns(found["filtered_data"], len(series)),
        raw_state=_columns(found["raw_state"], len(series)),
        smooth_state=_columns(found["smooth_state"], len(series)),
        input_data=[list(one) for one in series],
    )


def _columns(rows: list[Any], series: int) -> list[Any]:
    """One list for each series, where there are several."""
    return rows if series == 1 else [list(column) for column in zip(*rows, strict=True)]
