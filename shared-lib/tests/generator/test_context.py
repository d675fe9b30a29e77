import threading

import pytest

from reelwork.generator import Cancelled, Interruption, InvalidInput, LocalContext, RateLimited, TimeLimitExceeded
from reelwork.generator.errors import GenerationError, ProviderUnavailable


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_reports_go_out_at_most_four_times_a_second(tmp_path, clock):
    context = LocalContext(tmp_path, clock=clock)

    for step in range(100):
        clock.now += 0.01
        context.progress(step / 200, f"frame {step}")

    assert len(context.reports) in {4, 5}
    assert context.reports[0].message == "frame 0"


def test_last_report_is_never_held_back(tmp_path, clock):
    context = LocalContext(tmp_path, clock=clock)

    context.progress(0.1)
    context.progress(1.0)

    assert [report.fraction for report in context.reports] == [0.1, 1.0]


def test_new_stage_is_reported_at_once_and_keeps_the_fraction(tmp_path, clock):
    context = LocalContext(tmp_path, clock=clock)

    context.progress(0.4)
    context.substatus("encoding")

    assert [(report.fraction, report.stage) for report in context.reports] == [(0.4, "generating"), (0.4, "encoding")]


def test_progress_never_goes_back_or_beyond_its_ends(tmp_path, clock):
    context = LocalContext(tmp_path, clock=clock)

    for fraction in (-3, 0.5, 0.2, 7):
        clock.now += 1
        context.progress(fraction)

    assert [report.fraction for report in context.reports] == [0, 0.5, 0.5, 1]


def test_fractions_are_told_as_people_read_them(tmp_path, clock):
    context = LocalContext(tmp_path, clock=clock)

    for fraction in (0.1 + 0.7, 0.99999):  # 0.7999999999999999 to a computer
        clock.now += 1
        context.progress(fraction)

    assert [report.fraction for report in context.reports] == [0.8, 0.9999]


def test_tracking_counts_steps_within_its_part_of_the_run(tmp_path, clock):
    context = LocalContext(tmp_path, clock=clock)

    for _ in context.track("abcd", begin=0.2, end=0.6, message="Cutting"):
        clock.now += 1

    assert [(round(report.fraction, 3), report.step, report.steps) for report in context.reports] == [
        (0.3, 1, 4),
        (0.4, 2, 4),
        (0.5, 3, 4),
        (0.6, 4, 4),
    ]


def test_cancelled_model_stops_at_its_next_call(tmp_path):
    context = LocalContext(tmp_path, on_progress=lambda _report: context.cancel())
    seen = []

    with pytest.raises(Cancelled):
        seen.extend(context.track(range(10)))

    assert seen == [0]


@pytest.mark.parametrize("call", ["check", "progress", "fetch", "substatus", "wait"])
def test_every_call_of_a_cancelled_run_raises(tmp_path, call):
    context = LocalContext(tmp_path)
    context.cancel()
    arguments = {"check": (), "progress": (0.5,), "fetch": ("asset_1",), "substatus": ("encoding",), "wait": (60,)}[
        call
    ]

    with pytest.raises(Cancelled):
        getattr(context, call)(*arguments)


def test_model_cannot_swallow_an_interruption(tmp_path):
    context = LocalContext(tmp_path)
    context.cancel()

    def careless():
        try:
            context.check()
        except Exception:  # noqa: BLE001 - the carelessness under test
            return "swallowed"

    with pytest.raises(Interruption):
        careless()


def test_run_beyond_its_time_limit_is_stopped(tmp_path, clock):
    context = LocalContext(tmp_path, time_limit_seconds=2.5, clock=clock)
    clock.now += 2.4
    context.check()

    clock.now += 0.2

    with pytest.raises(TimeLimitExceeded, match=r"2\.5 s"):
        context.check()


def test_waiting_ends_at_once_when_the_run_is_cancelled(tmp_path):
    context = LocalContext(tmp_path)
    canceller = threading.Timer(0.02, context.cancel)
    canceller.start()

    with pytest.raises(Cancelled):
        context.wait(3600)

    canceller.join()


def test_waiting_beyond_the_time_limit_ends_there(tmp_path):
    context = LocalContext(tmp_path, time_limit_seconds=0.02)

    with pytest.raises(TimeLimitExceeded):
        context.wait(3600)


def test_waiting_takes_the_time_that_it_is_told(tmp_path):
    context = LocalContext(tmp_path)

    context.wait(0.02)

    assert context.elapsed_seconds >= 0.02


def test_unknown_asset_names_what_is_known(tmp_path):
    context = LocalContext(tmp_path, assets={"asset_1": tmp_path / "a.png"})

    assert context.fetch("asset_1") == tmp_path / "a.png"
    with pytest.raises(InvalidInput, match="asset_1"):
        context.fetch("asset_2")


def test_errors_say_whether_another_attempt_may_help():
    assert [error.retryable for error in (GenerationError("x"), InvalidInput("x", field="f"), RateLimited("x"))] == [
        False,
        False,
        True,
    ]
    assert ProviderUnavailable("x", retry_after=12.5).retry_after == 12.5
    assert InvalidInput("Too small.", field="image").field == "image"
