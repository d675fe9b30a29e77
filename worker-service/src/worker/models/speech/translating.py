"""English to Spanish by rule: Apertium (Forcada et al. 2011), a program of its own, which the system installs."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from reelwork.generator import GenerationError, ProviderUnavailable

PAIR = "eng-spa"
DEADLINE_SECONDS = 60.0
_AT_ONCE = 100  # lines
_MODES = Path("/usr/share/apertium/modes")  # where Debian's packages put their language pairs
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
_BREAK = "\n\n"  # ends a paragraph: nothing is translated across it


def installed() -> bool:
    """Whether the program and the language pair are here."""
    return shutil.which("apertium") is not None and (_MODES / f"{PAIR}.mode").is_file()


def translated(texts: Sequence[str]) -> list[str]:
    """The texts in Spanish, in their order; words that it does not know stay as they are.

    Raises ProviderUnavailable where the program fails or takes longer than a minute.
    """
    found: list[str] = []
    for begin in range(0, len(texts), _AT_ONCE):
        found += _batch(texts[begin : begin + _AT_ONCE])
    return found


def _batch(texts: Sequence[str]) -> list[str]:
    plain = [" ".join(text.split()) for text in texts]
    results = _run(_BREAK.join(plain)).split(_BREAK)
    if len(results) != len(plain):
        raise GenerationError("The translation lost its place; another cut of the video may help.")
    return [" ".join(result.split()) for result in results]


def _run(text: str) -> str:
    program = shutil.which("apertium")
    if program is None:
        raise ProviderUnavailable("The program apertium is not installed any more.")
    try:
        done = subprocess.run(  # noqa: S603  (our own arguments; the text goes to its input)
            [program, "-u", PAIR],
            input=text.encode(),
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=True,
            env=_ENVIRONMENT,
        )
    except subprocess.SubprocessError as error:
        raise ProviderUnavailable("The translation program failed or did not answer.") from error
    return done.stdout.decode(errors="replace")
