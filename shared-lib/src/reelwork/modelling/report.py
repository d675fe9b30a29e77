"""What a filter found, as JSON and CSV; written in pieces, since a million points make a large text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from json import dumps
from math import isfinite, sqrt
from pathlib import Path as FilePath
from statistics import NormalDist

from reelwork.filtering import Estimate, Path, Variances
from reelwork.filtering.arithmetic import Numbers
from reelwork.modelling.table import Columns

_PIECE = 4096
_NO_WIDTH = (
    "The noise was estimated as 0, since these values are most likely without any: so the band has no width where "
    "there is a value. That is no certainty; give observation_variance if you know it, or send more values."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One estimate for each observable. `band`: the probability that the bounds are to have; `asked`: the variances
    that were given, which are no estimates."""

    columns: Columns
    estimates: Sequence[Estimate]
    band: float
    asked: Variances

    @property
    def points(self) -> int:
        return len(self.columns[0])

    @property
    def reach(self) -> float:
        """How many standard deviations the band reaches to either side."""
        return NormalDist().inv_cdf((1.0 + self.band) / 2.0)


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of the same length under one name."""

    name: str
    columns: Sequence[Numbers]


def write_json(path: FilePath, report: Report, check: Callable[[], None]) -> None:
    """One object. `filtered_data`: each observable's level by the values up to the point; `raw_state`: the filter's
    whole state (with the slopes after the levels); `smooth_state`: the same by all values. Lists of numbers where
    there is one a point, else lists of lists; null where nothing is known yet."""
    with path.open("w", encoding="utf-8") as file:
        head = dumps(_summary(report), allow_nan=False)
        file.write(head[:-1])
        for part in _parts(report):
            file.write(f',"{part.name}":[')
            for number, piece in enumerate(_pieces(part, report.points)):
                check()
                file.write("," * bool(number) + piece)
            file.write("]")
        file.write("}\n")


def _summary(report: Report) -> dict[str, object]:
    first, several = report.estimates[0], len(report.estimates) > 1
    variances = [
        {"observation": v.observation, "level": v.level} | ({"slope": v.slope} if first.kind == "trend" else {})
        for v in (each.variances for each in report.estimates)
    ]
    likelihoods = [each.log_likelihood for each in report.estimates]
    return {
        "model": first.kind,
        "smoothing": "rts" if first.smoothed else "filter",
        "points": report.points,
        "observables": len(report.estimates),
        "observed": sum(each.observed for each in report.estimates),
        "variances": variances if several else variances[0],
        "log_likelihood": likelihoods if several else likelihoods[0],
        "band": report.band,
        "warnings": list(_warnings(report)),
    }


def _warnings(report: Report) -> Iterator[dict[str, object]]:
    """Where the band has no width since the likelihood is greatest at the border, with no noise at all.

    The estimate stays what it is, as in statsmodels, which is silent about it. A floor under it would be a number of
    our own, that no series tells.
    """
    for number, found in enumerate(report.estimates):
        if report.asked.observation is None and not found.variances.observation:
            yield {"code": "zero_width_band", "observable": number, "detail": _NO_WIDTH}


def _parts(report: Report) -> Iterator[_Part]:
    filtered = [each.filtered for each in report.estimates]
    yield _Part("filtered_data", [path.level for path in filtered])
    yield from _bounds("filtered", filtered, report.reach)
    yield _Part("raw_state", _states(filtered))
    smoothed = [each.smoothed for each in report.estimates if each.smoothed]
    if smoothed:
        yield _Part("smooth_state", _states(smoothed))
        yield from _bounds("smooth", smoothed, report.reach)


def _states(paths: Sequence[Path]) -> list[Numbers]:
    return [path.level for path in paths] + [path.slope for path in paths if path.slope is not None]


def _bounds(name: str, paths: Sequence[Path], reach: float) -> Iterator[_Part]:
    for side, sign in (("lower", -reach), ("upper", reach)):
        yield _Part(f"{name}_{side}", [_Bound(path, sign) for path in paths])


@dataclass(frozen=True, slots=True)
class _Bound:
    """A level and so many standard deviations, worked out when a piece of it is asked for."""

    path: Path
    reach: float

    def __getitem__(self, piece: slice) -> list[float]:
        pairs = zip(_plain(self.path.level[piece]), _plain(self.path.variance[piece]), strict=True)
        return [level + self.reach * sqrt(variance) for level, variance in pairs]


def _plain(numbers: Numbers) -> list[float]:
    found: list[float] = numbers if isinstance(numbers, list) else numbers.tolist()
    return found


def _pieces(part: _Part, points: int) -> Iterator[str]:
    for start in range(0, points, _PIECE):
        texts = [_texts(column[start : start + _PIECE]) for column in part.columns]
        rows = texts[0] if len(texts) == 1 else [f"[{','.join(row)}]" for row in zip(*texts, strict=True)]
        yield ",".join(rows)


def _texts(numbers: Numbers, missing: str = "null") -> list[str]:
    """The shortest text that means the same double."""
    return [repr(number) if isfinite(number) else missing for number in _plain(numbers)]


def write_csv(path: FilePath, report: Report, check: Callable[[], None]) -> None:
    """A line for each point: its number, then each observable's value, level and bounds; empty where not known."""
    names, columns = ["t"], list[Numbers]()
    for number, (values, found) in enumerate(zip(report.columns, report.estimates, strict=True)):
        best = found.smoothed or found.filtered
        given = {
            "value": values,
            "filtered": found.filtered.level,
            **({"smoothed": found.smoothed.level} if found.smoothed else {}),
            **({"slope": best.slope} if best.slope is not None else {}),
            "lower": _Bound(best, -report.reach),
            "upper": _Bound(best, report.reach),
        }
        suffix = f"_{number}" if len(report.columns) > 1 else ""
        names += [f"{name}{suffix}" for name in given]
        columns += given.values()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(names) + "\n")
        for start in range(0, report.points, _PIECE):
            check()
            texts = [_texts(column[start : start + _PIECE], missing="") for column in columns]
            counted = (str(start + row) for row in islice(range(_PIECE), len(texts[0])))
            file.writelines(f"{','.join(row)}\n" for row in zip(counted, *texts, strict=True))
