"""What is particular about HeyGen."""

from collections.abc import Callable
from pathlib import Path

import av
import httpx2 as httpx
import pytest

from reelwork.generator import InvalidInput
from testkit.providers import FILM, PICTURE, WEBHOOK, Asked, Case, case_of
from worker.models import heygen

Ask = Callable[..., Asked]

HEYGEN = case_of("heygen/video-translation")


def test_heygen_gets_a_small_film_itself_and_languages_by_name(ask: Ask, inputs: dict[str, Path]):
    asked = ask(HEYGEN, webhook_url=WEBHOOK)

    asked.begin(speakers=2)

    ((asset_id, uploaded),) = asked.fake.uploads.items()
    assert uploaded == inputs[FILM].read_bytes()
    order = asked.order()
    assert order["video"] == {"type": "asset_id", "asset_id": asset_id}
    assert (order["output_languages"], order["mode"], order["speaker_num"]) == (["Spanish (Spain)"], "speed", 2)
    assert (order["callback_id"], order["callback_url"]) == (asked.context.call_key, WEBHOOK)
    assert "end_time" not in order


def test_heygen_reads_a_large_film_from_an_address(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heygen, "MOST_UPLOAD_BYTES", 100)
    asked = ask(HEYGEN, urls={FILM: "https://files.example/film.mp4"})

    asked.begin()

    assert asked.order()["video"] == {"type": "url", "url": "https://files.example/film.mp4"}


def test_no_more_of_a_film_is_translated_than_is_paid_for(ask: Ask, tmp_path: Path):
    path = tmp_path / "long.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode())
    asked = ask(HEYGEN, assets={FILM: path})

    asked.begin(duration_seconds=3)

    assert (asked.order()["start_time"], asked.order()["end_time"]) == (0, 3)


def test_what_is_no_film_is_refused_before_heygen_is_asked(ask: Ask, inputs: dict[str, Path], tmp_path: Path):
    (tmp_path / "words.mp4").write_bytes(b"no film at all")
    for path in (tmp_path / "words.mp4", inputs[PICTURE]):
        asked = ask(HEYGEN, assets={FILM: path})
        error = asked.refusal()
        assert isinstance(error, InvalidInput)
        assert error.field == "video"

    assert asked.fake.requests.total() == 0


def test_a_language_that_heygen_does_not_know_is_its_parameter(ask: Ask):
    error = ask(HEYGEN).refusal(target_language="Klingon")

    assert isinstance(error, InvalidInput)
    assert error.field == "target_language"
    assert "Klingon" in error.message


@pytest.mark.parametrize("captions", [True, False])
def test_subtitles_come_with_the_film_where_they_were_asked_for(ask: Ask, captions: bool):
    asked = ask(HEYGEN)

    outputs = asked.polled(asked.begin(captions=captions)).outputs

    assert [output.role for output in outputs] == (["primary", "subtitles"] if captions else ["primary"])
    if captions:
        assert httpx.get(outputs[1].url or "").text.startswith("WEBVTT")


def test_heygens_precise_mode_is_a_model_with_a_price_of_its_own(ask: Ask):
    asked = ask(Case(model=heygen.PreciseVideoTranslation, fake="heygen", input=HEYGEN.input))

    asked.begin()

    assert asked.order()["mode"] == "precision"
    assert heygen.PreciseVideoTranslation.pricing.amount > heygen.VideoTranslation.pricing.amount


def test_what_heygen_never_got_is_submitted_by_recovering(ask: Ask):
    asked = ask(HEYGEN)

    handle = asked.model.recover(asked.parameters(), asked.context)

    assert isinstance(handle, str)
    assert (asked.fake.paid, list(asked.fake.works)) == (1, [handle])
