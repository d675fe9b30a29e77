"""Reelwork's worker."""
