"""Picture in, picture out: cutting out and enlarging, in pieces of bounded size."""
