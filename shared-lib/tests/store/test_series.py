"""Points of saved series: added once, whole, in order, however requests race and wherever a process dies."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.ids import new_account_id, new_series_id
from reelwork.domain.series import Series
from reelwork.store.series import CHUNK_VALUES, SavedSeries, TooLong
from testkit.services import fresh_database
from testkit.stage import Stage

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
