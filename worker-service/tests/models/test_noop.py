"""The model that tests of the rest rely on does as it is told."""

import subprocess
import sys

import pytest

from reelwork.generator import Cancelled, GenerationError, InvalidInput, LocalContext, ProviderUnavailable, discover
from testkit.models import CRASH_STATUS, Noop, NoopParameters


def test_it_is_found_as_a_module_of_strangers():
    assert "testkit/noop" in discover(entry_point_group=None, modules=["testkit.models"]).models


@pytest.mark.parametrize("size", [0, 1, 64, 3_000_000])
def test_it_writes_as_much_as_asked_and_the_same_for_the_same_seed(tmp_path, size):
    runs = [LocalContext(tmp_path / name, seed=5) for name in "ab"]

    texts = [next(Noop().generate(NoopParameters(size_bytes=size), run)).path.read_bytes() for run in runs]

    assert len(texts[0]) == size
    assert texts[0] == texts[1]
    texts[0].decode("ascii")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("invalid", InvalidInput),
        ("retryable", ProviderUnavailable),
        ("fatal", GenerationError),
        ("bug", ZeroDivisionError),
    ],
)
def test_it_fails_as_told(tmp_path, kind, error):
    with pytest.raises(error) as caught:
        list(Noop().generate(NoopParameters(fail=kind), LocalContext(tmp_path)))

    assert type(caught.value) is error


def test_it_runs_with_progress_until_cancelled(tmp_path):
    context = LocalContext(tmp_path, on_progress=lambda _report: context.cancel())

    with pytest.raises(Cancelled):
        list(Noop().generate(NoopParameters(seconds=600), context))


def test_it_crashes_its_process_when_told(tmp_path):
    program = (
        "import sys, pathlib; from reelwork.generator import LocalContext; from testkit.models import *;"
        "list(Noop().generate(NoopParameters(crash=True), LocalContext(pathlib.Path(sys.argv[1]))))"
    )

    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)  # noqa: S603 - our own program

    assert ended.returncode == CRASH_STATUS
