"""An account's usage, by days or months, as it is stored; and what is counted but not stored yet."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from reelwork.contract.usage import UsageCounts, UsageItem, UsageView
from reelwork.domain.errors import FieldError, InvalidRequest
from reelwork.domain.ids import AccountId
from reelwork.domain.usage import Counts, Metric, UsageDay
from reelwork.engine.usage.sync import UsageSync
from reelwork.store.client import DatabaseClock
from reelwork.store.stores import Stores

Period: TypeAlias = Literal["daily", "monthly"]

# What is asked for without a beginning, the last one included.
USUAL = {"daily": 30, "monthly": 12}
LONGEST = timedelta(days=3 * 366)
LONGEST_DAILY = timedelta(days=366)
# What is pending is read before what is stored: a flush in between is seen, and both are read again.
_RACES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days, both included."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


class UsageService:
    """Every method reads one account's usage only."""

    def __init__(self, stores: Stores, sync: UsageSync) -> None:
        self._usage = stores.usage
        self._sync = sync
        self._clock = DatabaseClock(stores.database)

    async def view(self, account: AccountId, period: Period, *, first: date | None, last: date | None) -> UsageView:
        """Raises InvalidRequest, StoreUnavailable."""
        span = _span(period, first, last, today=(await self._clock.now()).date())
        stored, is_current = await self._counts(account, span)
        sums: dict[str, Counter[Metric]] = {_name(period, day): Counter() for day in span.days}
        for day, counts in stored.items():
            sums[_name(period, day)].update(counts)
        return UsageView(
            period=period,
            first=span.first.isoformat(),
            last=span.last.isoformat(),
            includes_pending=is_current,
            items=[UsageItem.model_validate({"period": name} | _shown(counts)) for name, counts in sums.items()],
            total=UsageCounts.model_validate(_shown(sum(sums.values(), Counter()))),
        )

    async def _counts(self, account: AccountId, span: Span) -> tuple[Mapping[date, Counts], bool]:
        """By day, and whether what is pending is among it."""
        stored: list[UsageDay] = []
        for _ in range(_RACES):
            pending = await self._sync.pending(account, [day.isoformat() for day in span.days])
            stored = await self._usage.read(account, span.first, span.last)
            if pending is None:
                break
            if all(day.flushed <= pending.last for day in stored):
                flushed = {day.day for day in stored if day.flushed == pending.last}
                late = {day: counts for day, counts in _dated(pending.flush) if day not in flushed}
                return _added(stored, late, dict(_dated(pending.counts))), True
        return _added(stored), False


def _span(period: Period, first: date | None, last: date | None, *, today: date) -> Span:
    last = last or today
    first = first or _usual_first(period, last)
    if first > last:
        raise _wrong("from", "after_to", "It must not come after `to`.")
    if last - first >= (LONGEST_DAILY if period == "daily" else LONGEST):
        raise _wrong("from", "too_long", "At most 366 days by day, three years by month.")
    return Span(first=first, last=last)


def _usual_first(period: Period, last: date) -> date:
    if period == "daily":
        return date.fromordinal(max(1, last.toordinal() - USUAL["daily"] + 1))
    months = max(12, last.year * 12 + last.month - 1 - (USUAL["monthly"] - 1))
    return date(months // 12, months % 12 + 1, 1)


def _wrong(name: str, code: str, cure: str) -> InvalidRequest:
    fault = FieldError(pointer=f"?{name}", code=code, detail=cure)
    return InvalidRequest(f"Not valid: {fault.pointer}.", hint=cure, errors=[fault])


def _name(period: Period, day: date) -> str:
    return day.isoformat() if period == "daily" else day.isoformat()[:7]


def _dated(counted: Mapping[str, Counts]) -> Iterator[tuple[date, Counts]]:
    return ((date.fromisoformat(day), counts) for day, counts in counted.items())


def _added(stored: list[UsageDay], *others: Mapping[date, Counts]) -> Mapping[date, Counts]:
    sums: dict[date, Counter[Metric]] = {day.day: Counter(day.counts) for day in stored}
    for other in others:
        for day, counts in other.items():
            sums.setdefault(day, Counter()).update(counts)
    return sums


def _shown(counts: Counts) -> dict[str, int | float | str]:
    shown: dict[str, int | float | str] = {metric.value: counts.get(metric, 0) for metric in Metric}
    milliseconds, amount = counts.get(Metric.RUN_MILLISECONDS, 0), counts.get(Metric.AMOUNT_CHARGED, 0)
    del shown[Metric.RUN_MILLISECONDS]
    return shown | {"run_seconds": milliseconds / 1000, "amount_charged": f"{amount // 10_000}.{amount % 10_000:04d}"}
