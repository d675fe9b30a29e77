"""MongoDB: the only truth about jobs. Async only; every change of state is a single-document compare-and-set."""
