"""Picture in, film out: reading pictures, camera moves, planes and encoding."""
