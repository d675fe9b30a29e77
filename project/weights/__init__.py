"""Weights of the models that learn: fetched, checked, and kept out of the repository."""
