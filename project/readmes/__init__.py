"""The READMEs of the replaced systems, example by example: a table for each, and who plays them."""
