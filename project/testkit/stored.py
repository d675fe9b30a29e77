"""What a stack keeps, for tests that look at what a request left behind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything that outlives a request: ids of jobs and assets, keys of objects."""

    jobs: frozenset[str]
    assets: frozenset[str]
    objects: frozenset[str]

    def __le__(self, before: "Stored") -> bool:
        """Whether nothing was added. What other tests left may go meanwhile: it has its own time."""
        return self.jobs <= before.jobs and self.assets <= before.assets and self.objects <= before.objects
