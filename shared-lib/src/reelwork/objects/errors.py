"""What can go wrong with the object store. No error of the vendor's library leaves this package."""


class ObjectMissing(Exception):
    """There is no object under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object {key!r}")
        self.key = key


class RangeOutside(Exception):
    """The wanted range starts behind the end of the object."""

    def __init__(self, key: str, start: int) -> None:
        super().__init__(f"object {key!r} has no byte {start}")
        self.key = key
        self.start = start


class ObjectStoreDown(Exception):
    """The object store cannot be used: unreachable, too slow, or it refuses us. The message says which."""
