"""Why an address is not fetched: in general words, which tell nobody what our own network looks like."""


class Refused(Exception):
    """An address that is not fetched. `code` is for machines, `cure` for people; neither repeats what was found."""

    def __init__(self, code: str, cure: str) -> None:
        super().__init__(f"{code}: {cure}")
        self.code = code
        self.cure = cure


class TooMuch(Exception):
    """There are more bytes than the fetch was to take."""
