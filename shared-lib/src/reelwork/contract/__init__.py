"""The wire: what gateway and client say to each other, as pydantic models. Shared, so that they cannot drift."""
