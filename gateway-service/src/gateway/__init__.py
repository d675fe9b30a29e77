"""Reelwork's HTTP gateway."""
