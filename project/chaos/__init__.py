"""Fire: a seeded storm of faults over a real Reelwork under load, and a checker of what it left. `python -m chaos`."""
