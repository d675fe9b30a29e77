"""House rules as code: what CI checks beyond the linters."""
