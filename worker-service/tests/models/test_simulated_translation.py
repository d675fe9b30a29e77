import struct

import av
import numpy as np
import pytest

from reelwork.generator import Cancelled, GenerationError, InvalidInput, LocalContext, ModelCard
from worker.models.film import video
from worker.models.simulated_translation import SimulatedTranslation, SimulatedTranslationParameters

ASSET = "asset_video"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Five frames of film."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for shade in range(5):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((36, 64, 3), shade * 40, np.uint8))))
        file.mux(stream.encode(None))
    return path


class Timelapse(LocalContext):
    """Waiting takes no time here, but is counted."""

    def __init__(self, workdir, **options):
        super().__init__(workdir, **options)
        self.waited = 0.0
        self._pause = self._skip

    def _skip(self, seconds):
        self.waited += seconds


def run(tmp_path, film, *, seed=0, **values):
    context = Timelapse(tmp_path / "work", assets={ASSET: film}, seed=seed)
    artifacts = list(SimulatedTranslation().generate(SimulatedTranslationParameters(video=ASSET, **values), context))
    return context, artifacts


def test_the_video_comes_back_as_it_is_and_says_that_it_was_not_translated(tmp_path, clip):
    _, (artifact,) = run(tmp_path, clip, delay_seconds=0)

    assert artifact.path.read_bytes() == clip.read_bytes()
    assert artifact.path != clip, "the platform removes what it was handed"
    assert (artifact.media_type, artifact.width, artifact.height) == ("video/mp4", 64, 36)
    assert artifact.duration_seconds == pytest.approx(0.5)
    assert artifact.meta["simulated"] is True


@pytest.mark.parametrize(
    ("name", "codec", "media_type"),
    [
        ("clip.mp4", "libx264", "video/mp4"),
        ("clip.mov", "mpeg4", "video/quicktime"),
        ("clip.webm", "libvpx", "video/webm"),
    ],
)
def test_videos_of_every_kind_that_is_taken_keep_their_type(tmp_path, name, codec, media_type):
    with av.open(tmp_path / name, "w") as file:
        stream = file.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8))))
        file.mux(stream.encode(None))

    _, (artifact,) = run(tmp_path, tmp_path / name, delay_seconds=0)

    assert artifact.media_type == media_type
    assert artifact.name == f"simulated{(tmp_path / name).suffix}"


def test_it_takes_as_long_as_it_is_told_and_tells_how_far_it_is(tmp_path, clip):
    context, _ = run(tmp_path, clip, delay_seconds=3.25)

    fractions = [report.fraction for report in context.reports]
    assert context.waited == pytest.approx(3.25)
    assert fractions == sorted(fractions)
    assert context.reports[-1].stage == "simulating"


def test_delay_is_drawn_by_the_seed_within_its_bounds(tmp_path, clip):
    bounds = {"min_delay_seconds": 2, "max_delay_seconds": 4}

    waits = [run(tmp_path, clip, seed=seed, **bounds)[0].waited for seed in range(8)]

    assert all(2 <= wait <= 4 for wait in waits)
    assert len(set(waits)) == 8
    assert waits == [run(tmp_path, clip, seed=seed, **bounds)[0].waited for seed in range(8)]


def test_default_delay_is_that_of_the_system_it_stands_in_for(tmp_path, clip):
    assert all(10 <= run(tmp_path, clip, seed=seed)[0].waited <= 60 for seed in range(5))


def succeeds(tmp_path, clip, seed):
    try:
        run(tmp_path, clip, seed=seed, delay_seconds=0, failure_rate=0.5)
    except GenerationError:
        return False
    return True


def test_outcome_is_decided_by_the_seed(tmp_path, clip):
    outcomes = [succeeds(tmp_path, clip, seed) for seed in range(16)]

    assert 3 <= sum(outcomes) <= 13
    assert outcomes == [succeeds(tmp_path, clip, seed) for seed in range(16)]


def test_failure_comes_after_the_delay_and_is_final(tmp_path, clip):
    context = Timelapse(tmp_path / "work", assets={ASSET: clip})

    with pytest.raises(GenerationError, match="simulated") as caught:
        list(
            SimulatedTranslation().generate(
                SimulatedTranslationParameters(video=ASSET, delay_seconds=2, failure_rate=1), context
            )
        )

    assert context.waited == pytest.approx(2)
    assert not caught.value.retryable


def test_it_stops_waiting_when_it_is_cancelled(tmp_path, clip):
    """With real waiting: were it not woken, this would take ten minutes."""
    context = LocalContext(
        tmp_path,
        assets={ASSET: clip},
        on_progress=lambda report: context.cancel() if report.stage == "simulating" else None,
    )

    with pytest.raises(Cancelled):
        list(SimulatedTranslation().generate(SimulatedTranslationParameters(video=ASSET, delay_seconds=600), context))

    assert list(tmp_path.iterdir()) == []


def test_bounds_in_the_wrong_order_are_refused_by_name(tmp_path, clip):
    with pytest.raises(InvalidInput) as caught:
        run(tmp_path, clip, min_delay_seconds=5, max_delay_seconds=4)

    assert caught.value.field == "min_delay_seconds"


@pytest.mark.parametrize("content", [b"", b"no video", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"])
def test_file_that_is_no_video_is_refused(tmp_path, content):
    (tmp_path / "video.mp4").write_bytes(content)

    with pytest.raises(InvalidInput) as caught:
        run(tmp_path, tmp_path / "video.mp4", delay_seconds=0)

    assert caught.value.field == "video"


def test_video_too_large_to_decode_is_refused(tmp_path, clip, monkeypatch):
    monkeypatch.setattr(video, "MAX_PIXELS", 64 * 36 - 1)

    with pytest.raises(InvalidInput, match="megapixels"):
        run(tmp_path, clip, delay_seconds=0)


def test_header_that_lies_about_the_size_does_not_get_a_large_frame_decoded(tmp_path, monkeypatch):
    """The track says 16x16, the frames in it are larger than what may be decoded."""
    path = tmp_path / "lies.mp4"
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((360, 640, 3), np.uint8))))
        file.mux(stream.encode(None))
    data = path.read_bytes()
    sample_entry = struct.pack(">HH", 640, 360)
    assert sample_entry in data
    path.write_bytes(data.replace(sample_entry, struct.pack(">HH", 16, 16)))
    monkeypatch.setattr(video, "MAX_PIXELS", 300 * 300)

    with pytest.raises(InvalidInput):
        run(tmp_path, path, delay_seconds=0)


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.m4a"
    with av.open(path, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))

    with pytest.raises(InvalidInput, match="only sound"):
        run(tmp_path, path, delay_seconds=0)


def test_card_says_that_it_is_simulated():
    card = ModelCard.of(SimulatedTranslation)

    assert "simulated" in card.title
    assert not card.is_ai
    assert card.asset_inputs == {"video": ("video/*",)}
