"""English speech to lines with their times, by Moonshine tiny (Jeffries et al. 2024); its wheel brings the weights."""

from collections.abc import Iterable, Iterator

import numpy as np
from moonshine_voice import ModelArch, get_model_path
from moonshine_voice.transcriber import Transcriber

from worker.models.speech.lines import Line
from worker.models.speech.sound import Samples

RATE = 16_000
WINDOW_SECONDS = 20.0
_SEARCH_SECONDS = 6.0  # at the end of a window, for a pause to cut it in
_PAUSE = RATE // 10
_QUIET = 1e-3  # below this loudness nobody speaks: 60 dB under full scale


class Ear:
    """The loaded network. Not to be used by two threads at once."""

    def __init__(self) -> None:
        self._transcriber = Transcriber(get_model_path("tiny-en"), ModelArch.TINY)

    def lines(self, sound: Iterable[Samples]) -> Iterator[tuple[float, list[Line]]]:
        """Window by window: how many seconds have been heard, and the lines in the new part. Wants `RATE`, mono."""
        begin = 0
        for window in _windows(sound):
            lines = self._lines(window, begin / RATE) if float(np.abs(window).max(initial=0)) > _QUIET else []
            begin += len(window)
            yield begin / RATE, lines

    def _lines(self, window: Samples, offset: float) -> list[Line]:
        heard = self._transcriber.transcribe_without_streaming(window.tolist(), RATE).lines
        ending = offset + len(window) / RATE
        return [
            Line(begin=offset + line.start_time, end=min(offset + line.start_time + line.duration, ending), text=text)
            for line in heard
            if (text := " ".join(line.text.split())) and line.duration > 0
        ]


def _windows(sound: Iterable[Samples]) -> Iterator[Samples]:
    """Pieces of at most `WINDOW_SECONDS`, cut where it is quietest, so that no word is in two of them."""
    held: list[Samples] = []
    length, full = 0, int(WINDOW_SECONDS * RATE)
    for block in sound:
        held.append(block[:, 0])
        length += len(block)
        while length >= full:
            whole = np.concatenate(held)
            cut = _quietest(whole[:full])
            yield whole[:cut]
            held, length = [whole[cut:]], len(whole) - cut
    if length:
        yield np.concatenate(held)


def _quietest(window: Samples) -> int:
    first = len(window) - int(_SEARCH_SECONDS * RATE)
    parts = window[first : first + (len(window) - first) // _PAUSE * _PAUSE].reshape(-1, _PAUSE)
    return first + int(np.square(parts).mean(1).argmin()) * _PAUSE + _PAUSE // 2
