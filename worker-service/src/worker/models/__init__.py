"""The built-in models, one module each; sub-packages hold what they share."""
