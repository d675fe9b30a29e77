"""The whole voice-over on real speech, where its packages are installed (`make speech`)."""

import os
import signal
import wave

import av
import numpy as np
import pytest

from reelwork.generator import Cancelled, InvalidInput, LocalContext, ModelCard, ProviderUnavailable
from testkit.processes import is_alive
from testkit.waiting import until
from worker.models.speech import sound, translating
from worker.models.speech.lines import Line, webvtt
from worker.models.voice_over import VoiceOver, VoiceOverParameters

ASSET = "asset_film"
SENTENCE = "It was the best of times."

speaks = pytest.mark.skipif(VoiceOver.available() is not None, reason=f"builtin/voice-over {VoiceOver.available()}")


def write_film(path, samples, *, rate, start=0.0):
    """A small film with that sound, which begins after `start` seconds of pictures."""
    with av.open(path, "w") as file:
        pictures = file.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        pictures.width, pictures.height, pictures.pix_fmt = 64, 36, "yuv420p"
        track = file.add_stream("aac", rate=rate, layout="mono")
        for shade in range(max(int((len(samples) / rate + start) * 5), 2)):
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(np.full((36, 64, 3), shade % 255, np.uint8))))
        file.mux(pictures.encode(None))
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, round(start * rate)
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Six seconds of a person reading Dickens: a recording that the recogniser's package brings for its own tests."""
    from moonshine_voice import get_assets_path  # noqa: PLC0415 - an extra

    with wave.open(str(get_assets_path() / "two_cities.wav")) as recording:
        rate = recording.getframerate()
        samples = np.frombuffer(recording.readframes(6 * rate), np.int16) / 32768
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", samples, rate=rate)


@pytest.fixture(scope="module")
def made(film, tmp_path_factory):
    """The outputs by name, and the context of the run."""
    context = LocalContext(tmp_path_factory.mktemp("work"), assets={ASSET: film})
    model = VoiceOver()
    model.setup()
    return {artifact.name: artifact for artifact in model.generate(VoiceOverParameters(video=ASSET), context)}, context


def packets(path, kind):
    with av.open(path) as file:
        return [bytes(packet) for packet in file.demux(getattr(file.streams, kind)[0]) if packet.size]


def track(path, number):
    with av.open(path) as file:
        frames = [frame.to_ndarray()[0] for frame in file.decode(file.streams.audio[number])]
    return np.concatenate(frames)


@speaks
def test_english_is_heard_and_comes_as_subtitles_in_both_languages(made):
    outputs, _ = made

    english, spanish = (outputs[f"subtitles.{language}.vtt"] for language in ("en", "es"))
    assert "best of times" in english.path.read_text()
    assert "Era el mejor" in spanish.path.read_text()
    assert {english.role, spanish.role} == {"subtitles"}
    assert english.path.read_text().startswith("WEBVTT\n\n00:00:0")


@speaks
def test_pictures_are_those_of_the_original_to_the_byte(made, film):
    outputs, _ = made

    assert packets(outputs["film.mp4"].path, "video") == packets(film, "video")


@speaks
def test_film_has_both_sounds_and_both_texts_with_their_languages(made):
    outputs, _ = made

    with av.open(outputs["film.mp4"].path) as file:
        found = [(stream.type, stream.language, stream.codec_context.name) for stream in file.streams]
        texts = [bytes(packet)[2:].decode() for packet in file.demux(file.streams.subtitles[0]) if packet.size > 2]
    assert found[1:] == [
        ("audio", "spa", "aac"),
        ("audio", "eng", "aac"),
        ("subtitle", "spa", "mov_text"),
        ("subtitle", "eng", "mov_text"),
    ]
    assert "Era el mejor" in texts[0]
    assert outputs["film.mp4"].meta["voice"] == "synthetic"


@speaks
def test_original_steps_back_behind_the_voice(made):
    """While the voice speaks, little of the first track is the original; before the first line it is nothing else."""
    outputs, _ = made
    over, original = (track(outputs["film.mp4"].path, number) for number in (0, 1))

    def share_of_original(begin, end):
        part = slice(int(begin * 48_000), int(end * 48_000))
        return float(over[part] @ original[part] / (original[part] @ original[part]))

    assert share_of_original(0, 0.5) == pytest.approx(1, abs=0.1)
    assert share_of_original(1.5, 4) == pytest.approx(0.2, abs=0.15)
    assert np.std(over[72_000:192_000]) > 0.02, "there is a voice"


@speaks
def test_progress_names_its_steps(made):
    _, context = made

    stages = list(dict.fromkeys(report.stage for report in context.reports))
    fractions = [report.fraction for report in context.reports]
    assert stages == ["reading_video", "listening", "translating", "speaking", "mixing"]
    assert fractions == sorted(fractions)


@speaks
def test_cancelled_voice_over_hands_nothing_over(film, tmp_path):
    context = LocalContext(
        tmp_path,
        assets={ASSET: film},
        on_progress=lambda report: context.cancel() if report.stage == "translating" else None,
    )

    with pytest.raises(Cancelled):
        list(VoiceOver().generate(VoiceOverParameters(video=ASSET), context))

    assert not (tmp_path / "film.mp4").exists()


@speaks
def test_film_without_speech_is_refused(tmp_path):
    silent = write_film(tmp_path / "silent.mp4", np.zeros(16_000), rate=16_000)

    with pytest.raises(InvalidInput, match="No English speech") as caught:
        list(VoiceOver().generate(VoiceOverParameters(video=ASSET), LocalContext(tmp_path, assets={ASSET: silent})))

    assert caught.value.field == "video"


@speaks
def test_long_line_is_spoken_faster_and_lines_do_not_overlap(tmp_path):
    from worker.models.speech.speaking import RATE, Voice, speak  # noqa: PLC0415 - an extra

    voice, text = Voice(), "Era el mejor de los tiempos, era el peor de los tiempos."
    usual = len(voice.say(text)) / RATE
    lines = [Line(begin=at, end=at + 1, text=text) for at in (0.5, 1.5, 30.0)]

    first, second, third = speak(voice, lines, tmp_path / "voice.raw", until=40.0)

    assert first.end - first.begin == pytest.approx(usual / 1.4, rel=0.1)
    assert second.begin > first.end
    assert (third.begin, third.end - third.begin) == (30.0, pytest.approx(usual, rel=0.05))
    assert (tmp_path / "voice.raw").stat().st_size == round(third.end * RATE) * 2


@pytest.mark.skipif(not translating.installed(), reason="Apertium is not installed")
def test_translation_keeps_lines_apart_and_symbols_whole():
    texts = [SENTENCE, "I have <b>three</b> cats & 2 dogs ^ $ @.", "", "Good morning"]

    found = translating.translated(texts, check=lambda: None)

    assert found[0].startswith("Era el mejor")
    assert "<b>tres</b>" in found[1]
    assert found[1].endswith("^ $ @.")
    assert found[2:] == ["", "Buenos días"]


@pytest.fixture
def stuck(tmp_path, monkeypatch):
    """A pipeline of programs in Apertium's place, as Apertium is one, that comes to no end; gives their ids."""
    told = tmp_path / "pids"
    script = f"#!/bin/sh\n(echo $(exec sh -c 'echo $PPID') >> {told}; exec sleep 86400) | (cat; echo)\n"
    program = tmp_path / "apertium"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def pids():
        return [int(pid) for pid in told.read_text().split()] if told.exists() else []

    yield pids
    for pid in filter(is_alive, pids()):
        os.kill(pid, signal.SIGKILL)


def test_a_translation_that_takes_too_long_leaves_no_program_behind(stuck, monkeypatch):
    monkeypatch.setattr(translating, "DEADLINE_SECONDS", 0.0)

    with pytest.raises(ProviderUnavailable, match="in time"):
        translating.translated([SENTENCE], check=lambda: until(stuck))

    until(lambda: not any(map(is_alive, stuck())))  # they would take a day


def test_a_cancelled_translation_leaves_no_program_behind(stuck):
    def cancelled_once_it_runs():
        if stuck():
            raise Cancelled

    with pytest.raises(Cancelled):
        translating.translated([SENTENCE], check=cancelled_once_it_runs)

    until(lambda: not any(map(is_alive, stuck())))


def test_a_translation_program_that_fails_may_be_tried_again(tmp_path, monkeypatch):
    program = tmp_path / "apertium"
    program.write_text("#!/bin/sh\ncat\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(ProviderUnavailable, match="failed"):
        translating.translated([SENTENCE], check=lambda: None)


def test_pictures_that_mp4_cannot_hold_are_refused_before_anything_is_heard(tmp_path):
    path = tmp_path / "film.webm"
    with av.open(path, "w") as file:
        pictures = file.add_stream("libvpx", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 36, "yuv420p"
        file.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8))))
        file.mux(pictures.encode(None))
    context = LocalContext(tmp_path, assets={ASSET: path})

    with pytest.raises(InvalidInput, match=r"vp8.*H\.264"):
        list(VoiceOver().generate(VoiceOverParameters(video=ASSET), context))

    assert {report.stage for report in context.reports} == {"reading_video"}


def test_sound_that_begins_late_begins_with_silence(tmp_path):
    tone = np.sin(np.arange(16_000) / 5) * 0.5
    late = write_film(tmp_path / "late.mp4", tone, rate=16_000, start=1.5)

    samples = np.concatenate(list(sound.blocks(late, rate=16_000, channels=1)))[:, 0]

    assert np.abs(samples[: int(1.4 * 16_000)]).max() < 0.01
    assert np.std(samples[int(1.6 * 16_000) : int(2.4 * 16_000)]) == pytest.approx(0.35, abs=0.05)


def test_film_without_sound_is_refused(tmp_path):
    path = tmp_path / "mute.mp4"
    with av.open(path, "w") as file:
        pictures = file.add_stream("libx264", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 36, "yuv420p"
        file.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8))))
        file.mux(pictures.encode(None))

    with pytest.raises(InvalidInput, match="no sound"):
        list(sound.blocks(path, rate=16_000, channels=1))


def test_webvtt_writes_times_and_escapes_what_would_be_markup():
    lines = [Line(begin=0.5, end=61.25, text="a < b & c"), Line(begin=3600, end=3601.0004, text="¡Hola!")]

    assert webvtt(lines) == (
        "WEBVTT\n\n00:00:00.500 --> 00:01:01.250\na &lt; b &amp; c\n\n01:00:00.000 --> 01:00:01.000\n¡Hola!\n"
    )


@pytest.mark.parametrize("missing", ["moonshine_voice", "ttspico", "apertium"])
def test_it_says_what_is_missing(monkeypatch, missing):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else object())
    monkeypatch.setattr(translating, "installed", lambda: missing != "apertium")

    reason = VoiceOver.available()

    assert ("apt install" if missing == "apertium" else "make speech") in reason


def test_card_says_that_the_voice_is_synthetic():
    card = ModelCard.of(VoiceOver)

    assert "synthetic voice-over" in card.title
    assert card.is_ai
    assert card.asset_inputs == {"video": ("video/*",)}
