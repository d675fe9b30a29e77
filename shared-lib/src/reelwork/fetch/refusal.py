"""Why an address is not fetched: in general words, which tell nobody what our own network looks like."""


class Refused(Exception):
    """An address that is not fetched. `code` is for machines, `cure` for people; neither repeats what was found."""

    def __init__(self, code: str, cure: str) -> None:
        super().__init__(f"{code}: {cure}")
        self.code = code
        self.cure = cure


def not_public() -> Refused:
    """The same for a name that means nothing and for one that means something private, so that nobody can tell."""
    return Refused("not_public", "There is no such host on the public internet.")


class TooMuch(Exception):
    """There are more bytes than the fetch was to take."""
