"""Spanish text to speech by SVOX Pico, and its place on the film's time line."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ttspico import TtsEngine

from worker.models.speech.lines import Line

RATE = 16_000
_FASTEST = 1.4  # times as fast as usual: beyond, it is hard to follow
_SILENT = 150
_TAIL = RATE // 25
_BREATH_SECONDS = 0.08


class Voice:
    """A loaded voice. Not to be used by two threads at once."""

    def __init__(self, language: str = "es-ES") -> None:
        self._engine = TtsEngine(language)

    def say(self, text: str, *, pace: float = 1.0) -> NDArray[np.int16]:
        """Samples at `RATE`; none where there is nothing to say. `<` and `>` would be commands to the voice."""
        self._engine.rate = round(100 * pace)
        spoken = self._engine.speak(text.replace("<", " ").replace(">", " "))
        samples = np.frombuffer(spoken or b"", np.int16)
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENT)
        return samples[: loud[-1] + _TAIL] if len(loud) else samples[:0]  # up to a second of silence would follow


def speak(voice: Voice, lines: Sequence[Line], track: Path, *, until: float) -> Iterator[Line]:
    """Write the voice's track, raw samples of the whole film, and give each line with the time at which it is spoken.

    A line begins with its original, or after the line before it; one that is too long for its place is spoken faster.
    Nothing is spoken after `until`.
    """
    free = 0.0
    with track.open("wb") as file:
        for place, line in enumerate(lines):
            begin = max(line.begin, free)
            following = lines[place + 1].begin if place + 1 < len(lines) else until
            spoken = _fitting(voice, line.text, room=following - begin)
            spoken = spoken[: max(round((until - begin) * RATE), 0)]
            if len(spoken):
                file.seek(round(begin * RATE) * 2)
                file.write(spoken.tobytes())
                end = begin + len(spoken) / RATE
                free = end + _BREATH_SECONDS
                yield replace(line, begin=begin, end=end)


def _fitting(voice: Voice, text: str, *, room: float) -> NDArray[np.int16]:
    spoken = voice.say(text)
    wanted = len(spoken) / RATE / max(room, 0.1)
    return spoken if wanted <= 1 else voice.say(text, pace=min(wanted, _FASTEST))
