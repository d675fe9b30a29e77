"""`builtin/kalman` in a worker: the shared model, with long series on NumPy and SciPy."""

from reelwork.filtering import Arithmetic
from reelwork.modelling import kalman


class Kalman(kalman.Kalman):
    """The same numbers; a million of them in a fraction of a second."""

    def arithmetic(self, count: int) -> Arithmetic:
        """Plain floats where the gateway would take them too."""
        if count <= kalman.SHORT_VALUES:
            return super().arithmetic(count)
        # SciPy takes a second to import, which would make every worker start later.
        from reelwork.filtering.vectorised import VECTORISED  # noqa: PLC0415

        return VECTORISED
