"""Measurements: every figure stands beside that of a peer, measured in the same run on the same servers."""
