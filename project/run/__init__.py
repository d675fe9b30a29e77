"""Ways to run Reelwork on one machine: the servers it needs, and the supervisor of `make run`."""
