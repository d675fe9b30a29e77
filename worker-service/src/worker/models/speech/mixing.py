"""The voice laid over the film's sound, which steps back for it; and both tracks beside the untouched pictures."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from worker.models.film import video
from worker.models.speech import sound, speaking
from worker.models.speech.lines import Line
from worker.models.speech.sound import Samples

RATE = 48_000
_VOICE_STEP = speaking.RATE  # samples of the voice that are read at once: a second
_BEHIND = 0.2  # how loud the original stays while the voice speaks
_FADE_SECONDS = 0.18
_BIT_RATE = 160_000
_NO_STYLE = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name\nStyle: Default\n\n[Events]\nFormat: Text\n"
)
"""FFmpeg opens a writer of subtitles with a header in Advanced SubStation Alpha only; the samples are our own."""


def mix(source: Path, track: Path, spoken: Sequence[Line], into: Path) -> Iterator[float]:
    """Write an MP4 with two tracks of sound: with the voice, and without. Tells how many seconds are done."""
    gain, voice = _Gain(spoken), _Fifo(_voice(track))
    with av.open(into, "w", format="mp4") as file:
        outputs = [file.add_stream("aac", rate=RATE, layout="stereo", bit_rate=_BIT_RATE) for _ in range(2)]
        at = 0
        for block in sound.blocks(source, rate=RATE, channels=2):
            mixed = block * gain.at(at, len(block))[:, None] + voice.take(len(block))[:, None]
            for output, samples in zip(outputs, (mixed, block), strict=True):
                _encode(file, output, samples, at)
            at += len(block)
            yield at / RATE
        for output in outputs:
            file.mux(output.encode(None))


def assemble(
    source: Path, sounds: Path, subtitles: Sequence[tuple[str, Sequence[Line]]], into: Path
) -> Iterator[float]:
    """Write the film: the source's pictures as they are, both sounds, and subtitles by language.

    Packets pass one by one in the order of time. The pictures are of a coding that MP4 may hold.
    """
    with (
        video.opened(source) as pictures,
        av.open(sounds) as heard,
        av.open(into, "w", format="mp4", options={"movflags": "+faststart"}) as film,
    ):
        parts = [_pictures(pictures, film), *_tracks(heard, film), *(_texts(film, *part) for part in subtitles)]
        for moment, packet in heapq.merge(*parts, key=lambda part: part[0]):
            film.mux(packet)
            yield moment


_Timed: TypeAlias = Iterator[tuple[float, "av.Packet[Any]"]]  # of any kind of stream


def _pictures(source: InputContainer, film: OutputContainer) -> _Timed:
    stream = source.streams.video[0]
    copy = film.add_stream_from_template(stream)
    origin = round((source.start_time or 0) / av.time_base / stream.time_base) if stream.time_base else 0

    def packets() -> _Timed:
        for packet in source.demux(stream):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue  # the empty packet at the end
            packet.dts, packet.pts = packet.dts - origin, packet.pts - origin
            moment = float(packet.dts * packet.time_base)
            packet.stream = copy
            yield moment, packet

    return packets()


def _tracks(heard: InputContainer, film: OutputContainer) -> list[_Timed]:
    """One reader feeds both tracks, packet after packet, so they are one part."""
    copies = {}
    for stream, language, title in zip(
        heard.streams.audio, ("spa", "eng"), ("Español (voz sintética)", "English (original)"), strict=True
    ):
        copies[stream.index] = film.add_stream_from_template(stream)
        copies[stream.index].metadata.update({"language": language, "title": title, "handler_name": title})

    def packets() -> _Timed:
        for packet in heard.demux(*heard.streams.audio):
            if packet.dts is None or packet.time_base is None:
                continue
            moment = float(packet.dts * packet.time_base)
            packet.stream = copies[packet.stream.index]
            yield moment, packet

    return [packets()]


def _texts(film: OutputContainer, language: str, lines: Iterable[Line]) -> _Timed:
    stream = film.add_stream("mov_text")
    stream.codec_context.subtitle_header = _NO_STYLE
    stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = language

    def packets() -> _Timed:
        for line in lines:
            text = line.text.encode()[:0xFFFF]
            packet = av.Packet(len(text).to_bytes(2, "big") + text)  # 3GPP TS 26.245, 5.17: a length, and UTF-8
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = round(line.begin * 1000)
            packet.duration = max(round((line.end - line.begin) * 1000), 1)
            yield line.begin, packet

    return packets()


def _encode(file: OutputContainer, output: AudioStream, samples: Samples, at: int) -> None:
    planes = np.ascontiguousarray(np.clip(samples, -1, 1).T, np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
    file.mux(output.encode(frame))


class _Gain:
    """How loud the original is: it fades out before a line of the voice and in again after it."""

    def __init__(self, spoken: Sequence[Line]) -> None:
        moments, levels = [0.0], [1.0]
        for line in spoken:
            if moments[-1] > line.begin - 2 * _FADE_SECONDS and len(moments) > 1:
                del moments[-1], levels[-1]  # two lines close together: it stays low between them
            else:
                moments.append(max(line.begin - _FADE_SECONDS, moments[-1]))
                levels.append(1.0)
                moments.append(max(line.begin, moments[-1]))
                levels.append(_BEHIND)
            moments += [line.end, line.end + _FADE_SECONDS]
            levels += [_BEHIND, 1.0]
        self._moments, self._levels = np.array(moments), np.array(levels)

    def at(self, begin: int, count: int) -> Samples:
        seconds = (begin + np.arange(count)) / RATE
        return np.asarray(np.interp(seconds, self._moments, self._levels), np.float32)


class _Fifo:
    """Samples in as many as they come, out as many as are wanted; silence after the end."""

    def __init__(self, parts: Iterator[Samples]) -> None:
        self._parts = parts
        self._held = np.zeros(0, np.float32)

    def take(self, count: int) -> Samples:
        while len(self._held) < count:
            part = next(self._parts, np.zeros(count, np.float32))
            self._held = np.concatenate([self._held, part])
        taken, self._held = np.split(self._held, [count])
        return np.asarray(taken, np.float32)


def _voice(track: Path) -> Iterator[Samples]:
    """The voice's track at the mix's rate."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with track.open("rb") as file:
        while chunk := file.read(2 * _VOICE_STEP):
            frame = av.AudioFrame.from_ndarray(np.frombuffer(chunk, np.int16)[None], format="s16", layout="mono")
            frame.sample_rate = speaking.RATE
            for part in resampler.resample(frame):
                yield np.asarray(part.to_ndarray(), np.float32).reshape(-1)
