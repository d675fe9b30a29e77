"""`builtin/panas` in a worker: the shared model as it is."""

from reelwork.modelling import panas


class Panas(panas.Panas):
    """Nothing is different here."""
