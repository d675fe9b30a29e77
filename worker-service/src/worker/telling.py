"""What a model says, made fit to be stored and shown: whole characters, not too many, and numbers that fit."""

from reelwork.domain.job import Progress as JobProgress
from reelwork.generator import Progress

LONGEST_TEXT = 2000  # characters: a screenful, where MongoDB would refuse a whole job above 16 MB
LARGEST_COUNT = 2**53 - 1  # above it JSON numbers are not exact (RFC 8259 section 6), and MongoDB's end at 2**63


def told(text: object) -> str:
    """The text, cut, with a question mark for every half of a character that has lost the other."""
    return str(text)[:LONGEST_TEXT].encode(errors="replace").decode()


def progress_told(progress: Progress) -> JobProgress:
    """A model's report as it is stored."""
    return JobProgress(
        fraction=progress.fraction,
        stage=told(progress.stage),
        message=told(progress.message),
        step=_counted(progress.step),
        steps=_counted(progress.steps),
    )


def _counted(number: int | None) -> int | None:
    return number if number is not None and abs(number) <= LARGEST_COUNT else None
