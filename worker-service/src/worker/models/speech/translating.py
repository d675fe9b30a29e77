"""English to Spanish by rule: Apertium (Forcada et al. 2011), a program of its own, which the system installs."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from reelwork.generator import GenerationError, ProviderUnavailable

PAIR = "eng-spa"
DEADLINE_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_AT_ONCE = 100  # lines
_MODES = Path("/usr/share/apertium/modes")  # where Debian's packages put their language pairs
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
_BREAK = "\n\n"  # ends a paragraph: nothing is translated across it


def installed() -> bool:
    """Whether the program and the language pair are here."""
    return shutil.which("apertium") is not None and (_MODES / f"{PAIR}.mode").is_file()


def translated(texts: Sequence[str], *, check: Callable[[], None]) -> list[str]:
    """The texts in Spanish, in their order; words that it does not know stay as they are.

    `check` is called often meanwhile; if it raises, the program is ended. Raises ProviderUnavailable where the program
    fails or takes longer than a minute.
    """
    found: list[str] = []
    for begin in range(0, len(texts), _AT_ONCE):
        found += _batch(texts[begin : begin + _AT_ONCE], check)
    return found


def _batch(texts: Sequence[str], check: Callable[[], None]) -> list[str]:
    plain = [" ".join(text.split()) for text in texts]
    results = _run(_BREAK.join(plain), check).split(_BREAK)
    if len(results) != len(plain):
        raise GenerationError("The translation lost its place; another cut of the video may help.")
    return [" ".join(result.split()) for result in results]


def _run(text: str, check: Callable[[], None]) -> str:
    program = shutil.which("apertium")
    if program is None:
        raise ProviderUnavailable("The program apertium is not installed any more.")
    with subprocess.Popen(  # noqa: S603  (our own arguments; the text goes to its input)
        [program, "-u", PAIR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        process_group=0,
    ) as process:
        try:
            answer = _answer(process, text.encode(), check)
        except BaseException:
            # It is a shell with a pipeline of a dozen programs, which would all run on, and hold the pipe that we read.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise ProviderUnavailable("The translation program failed.")
    return answer.decode(errors="replace")


def _answer(process: subprocess.Popen[bytes], text: bytes, check: Callable[[], None]) -> bytes:
    """What it writes until it ends. Raises ProviderUnavailable after the deadline, and what `check` raises."""
    until = time.monotonic() + DEADLINE_SECONDS
    to_send: bytes | None = text
    while True:
        try:
            return process.communicate(to_send, timeout=_LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            to_send = None  # it goes on with what it was given
        check()
        if time.monotonic() > until:
            raise ProviderUnavailable("The translation program did not answer in time.")
