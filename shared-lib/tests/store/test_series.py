"""Points of saved series: added once, whole, in order, however requests race and wherever a process dies."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import AutoReconnect

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import new_account_id, new_series_id
from reelwork.domain.series import Series
from reelwork.store.series import CHUNK_VALUES, Gone, SavedSeries, TooLong
from testkit.services import fresh_database
from testkit.stage import Stage
from testkit.steps import stepped

NOW = datetime.now(UTC)
PLENTY = 10**9
# Operations of an addition, at most: each of them is the one before which the process dies.
STEPS = 10


@pytest.fixture(scope="module")
def stage(mongo_url: str) -> Iterator[Stage]:
    with fresh_database(mongo_url) as name, Stage.open(mongo_url, name) as opened:
        yield opened


@pytest.fixture
def saved(stage: Stage) -> SavedSeries:
    """Of an empty database."""
    stage.do(stage.world.clear())
    return stage.world.stores.series


@pytest.fixture
def series(stage: Stage, saved: SavedSeries) -> Series:
    series_id, account = new_series_id(), new_account_id()
    made = Series(id=series_id, account_id=account, name="x", observables=2, created_at=NOW, updated_at=NOW)
    assert stage.do(saved.add(made))
    return made


def values_of(stage: Stage, series: Series) -> list[float | None]:
    async def read() -> list[float | None]:
        chunks = stage.world.stores.series.chunks(series.id, points=PLENTY, observables=series.observables)
        return [value async for chunk in chunks for value in chunk]

    return stage.do(read())


def test_many_chunks_are_one_series(stage: Stage, saved: SavedSeries, series: Series):
    pieces = [[float(n)] * (CHUNK_VALUES // 2 + 2) for n in range(3)]

    for piece in pieces:
        stage.do(saved.append(series, piece, mark=None, most=PLENTY))

    assert values_of(stage, series) == [value for piece in pieces for value in piece]
    assert stage.do(saved.get(series.account_id, series.id)).length == sum(map(len, pieces)) // 2


def test_it_is_read_as_it_was_at_a_length(stage: Stage, saved: SavedSeries, series: Series):
    stage.do(saved.append(series, [1.0, 2.0, 3.0, 4.0], mark=None, most=PLENTY))

    async def read() -> list[float | None]:
        return [value async for chunk in saved.chunks(series.id, points=1, observables=2) for value in chunk]

    assert stage.do(read()) == [1.0, 2.0]


def test_it_gets_no_longer_than_allowed(stage: Stage, saved: SavedSeries, series: Series):
    stage.do(saved.append(series, [1.0, 2.0], mark=None, most=2))

    with pytest.raises(TooLong):
        stage.do(saved.append(series, [1.0, 2.0, 3.0, 4.0], mark=None, most=2))

    assert values_of(stage, series) == [1.0, 2.0]


@pytest.mark.parametrize("filled", [0, 4, CHUNK_VALUES])
def test_wherever_the_process_dies_an_addition_that_is_sent_again_is_there_once(
    stage: Stage, saved: SavedSeries, filled: int
):
    for lives in range(STEPS):
        made = Series(
            id=new_series_id(), account_id=new_account_id(), name="x", observables=2, created_at=NOW, updated_at=NOW
        )
        stage.do(saved.add(made))
        if filled:
            stage.do(saved.append(made, [0.0] * filled, mark="before", most=PLENTY))

        stage.try_to(saved.append(made, [1.0, 2.0], mark="once", most=PLENTY), lives)
        died = stage.died
        length = stage.do(saved.append(made, [1.0, 2.0], mark="once", most=PLENTY)).length

        assert values_of(stage, made) == [0.0] * filled + [1.0, 2.0]
        assert length == stage.do(saved.get(made.account_id, made.id)).length == filled // 2 + 1
        if not died:
            return
    raise AssertionError(f"an addition takes more than {STEPS} operations")


@pytest.mark.parametrize("choices", [[0, 1] * 20, [0, 0, 1, 1] * 10, [1, 0, 0] * 14])
def test_additions_at_the_same_time_come_one_after_the_other(
    stage: Stage, saved: SavedSeries, series: Series, choices: list[int]
):
    async def look() -> None:
        return

    parts = [saved.append(series, [float(n)] * (CHUNK_VALUES // 2), mark="same", most=PLENTY) for n in (1, 1)]
    parts += [saved.append(series, [float(n)] * (CHUNK_VALUES // 2), mark=None, most=PLENTY) for n in (2, 3)]

    stage.play(*parts, choices=choices, look=look)

    values = values_of(stage, series)
    runs = [values[at : at + CHUNK_VALUES // 2] for at in range(0, len(values), CHUNK_VALUES // 2)]
    assert sorted(run[0] for run in runs) == [1.0, 2.0, 3.0]
    assert all(len(set(run)) == 1 for run in runs)


def test_what_is_deleted_is_gone_at_once_and_its_points_later(stage: Stage, saved: SavedSeries, series: Series):
    stage.do(saved.append(series, [1.0, 2.0], mark=None, most=PLENTY))
    stage.do(saved.delete(series.account_id, series.id))

    assert stage.do(saved.get(series.account_id, series.id)) is None
    assert stage.do(saved.bury(datetime.now(UTC) - timedelta(minutes=1), limit=10)) == 0
    assert stage.do(saved.bury(datetime.now(UTC) + timedelta(minutes=1), limit=10)) == 1
    assert values_of(stage, series) == []


def a_run(pieces: int) -> Iterator[list[float | None]]:
    return ([float(number), None] for number in range(pieces))


def test_a_run_comes_behind_what_is_there_and_before_what_comes_later(stage: Stage, saved: SavedSeries, series: Series):
    stage.do(saved.append(series, [7.0, 7.0], mark=None, most=PLENTY))

    grown = stage.do(saved.append_run(series, a_run(3), mark=None, most=PLENTY))
    stage.do(saved.append(series, [8.0, 8.0], mark=None, most=PLENTY))

    assert grown.length == 4
    assert values_of(stage, series) == [7.0, 7.0, 0.0, None, 1.0, None, 2.0, None, 8.0, 8.0]
    partly = saved.chunks(series.id, points=3, observables=2)

    async def read() -> list[float | None]:
        return [value async for chunk in partly for value in chunk]

    assert stage.do(read()) == [7.0, 7.0, 0.0, None, 1.0, None]


@pytest.mark.parametrize("filled", [False, True])
def test_wherever_the_process_dies_a_run_is_there_whole_or_not_at_all_and_once_when_sent_again(
    stage: Stage, saved: SavedSeries, filled: bool
):
    for lives in range(2 * STEPS):
        made = Series(
            id=new_series_id(), account_id=new_account_id(), name="x", observables=2, created_at=NOW, updated_at=NOW
        )
        stage.do(saved.add(made))
        before = [0.0, 0.0] if filled else []
        if filled:
            stage.do(saved.append(made, before, mark="before", most=PLENTY))

        stage.try_to(saved.append_run(made, a_run(3), mark="once", most=PLENTY), lives)
        died, seen = stage.died, values_of(stage, made)
        stage.do(saved.append_run(made, a_run(3), mark="once", most=PLENTY))

        whole = [*before, 0.0, None, 1.0, None, 2.0, None]
        assert seen in (before, whole)
        assert values_of(stage, made) == whole
        _an_hour_later(stage)
        assert values_of(stage, made) == whole
        assert _points_kept(stage) == {made.id: len(whole) // 2}
        stage.do(saved.delete(made.account_id, made.id))
        _an_hour_later(stage)
        assert _points_kept(stage) == {}
        if not died:
            return
    raise AssertionError(f"a run takes more than {2 * STEPS} operations")


def test_a_run_that_is_too_long_leaves_nothing(stage: Stage, saved: SavedSeries, series: Series):
    with pytest.raises(TooLong):
        stage.do(saved.append_run(series, a_run(3), mark=None, most=2))

    assert values_of(stage, series) == []
    _an_hour_later(stage)
    assert _points_kept(stage) == {}


def test_nothing_is_added_to_a_series_that_was_deleted_while_a_run_came(
    stage: Stage, saved: SavedSeries, series: Series
):
    stage.do(saved.delete(series.account_id, series.id))

    with pytest.raises(Gone):
        stage.do(saved.append_run(series, a_run(3), mark=None, most=PLENTY))

    _an_hour_later(stage)
    assert _points_kept(stage) == {}


def test_a_run_that_took_too_long_is_not_added_and_may_be_sent_again(stage: Stage, series: Series):
    async def half_an_hour_passes() -> None:
        ends = {"deleted_at": datetime.now(UTC) - timedelta(seconds=1)}
        await stage.world.database["series"].update_many({"deleted_at": {"$ne": None}}, {"$set": ends})

    slow = SavedSeries(stepped(stage.world.database, half_an_hour_passes))
    with pytest.raises(StoreUnavailable) as told:
        stage.do(slow.append_run(series, a_run(3), mark=None, most=PLENTY))

    assert "Send the same request again" in (told.value.hint or "")
    assert values_of(stage, series) == []


class Breaking:
    """The connection breaks before one operation, counted from 0; None: before none. `done`: operations so far."""

    def __init__(self, at: int | None) -> None:
        self._at = at
        self.done = 0

    async def __call__(self) -> None:
        self.done += 1
        if self.done - 1 == self._at:
            raise AutoReconnect


def test_a_run_that_is_in_is_told_of_also_when_clearing_up_behind_it_fails(stage: Stage, series: Series):
    counted = Breaking(None)
    stage.do(_saved_through(stage, counted).append_run(series, a_run(3), mark=None, most=PLENTY))

    broken = Breaking(counted.done - 1)
    grown = stage.do(_saved_through(stage, broken).append_run(series, a_run(3), mark=None, most=PLENTY))

    assert broken.done == counted.done
    assert grown.length == 6
    assert values_of(stage, series) == [0.0, None, 1.0, None, 2.0, None] * 2
    _an_hour_later(stage)
    assert _points_kept(stage) == {series.id: 6}


def test_what_is_wrong_with_a_run_is_told_also_when_clearing_up_behind_it_fails(stage: Stage, series: Series):
    counted = Breaking(None)
    with pytest.raises(TooLong):
        stage.do(_saved_through(stage, counted).append_run(series, a_run(3), mark=None, most=2))

    broken = Breaking(counted.done - 1)
    with pytest.raises(TooLong):
        stage.do(_saved_through(stage, broken).append_run(series, a_run(3), mark=None, most=2))

    _an_hour_later(stage)
    assert _points_kept(stage) == {}


def _saved_through(stage: Stage, breaking: Breaking) -> SavedSeries:
    return SavedSeries(stepped(stage.world.database, breaking))


def _an_hour_later(stage: Stage) -> None:
    """All that is to be buried by then is."""
    while stage.do(stage.world.stores.series.bury(datetime.now(UTC) + timedelta(hours=1), limit=10)):
        pass


def _points_kept(stage: Stage) -> dict[str, int]:
    """Of each series of this test, how many points lie in the database, also those that nobody sees."""

    async def count() -> dict[str, int]:
        found: dict[str, int] = {}
        async for chunk in stage.world.database["series_points"].find({"values.0": {"$exists": True}}):
            named = await stage.world.database["series_points"].find_one({"run": chunk["series"]})
            owner = named["series"] if named else chunk["series"]
            found[owner] = found.get(owner, 0) + chunk["count"]
        return found

    return stage.do(count())
