"""`builtin/web-markdown`: the text of a web page, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    MediaGeneratorModel,
    Parameters,
    Pool,
    ProviderUnavailable,
    Resources,
    ui,
)
from worker.models.web.settings import BROWSERS, WebSettings

if TYPE_CHECKING:
    from worker.models.web.reader import Reader, Text

_PACKAGES = ("playwright", "lxml", "html_to_markdown", "trafilatura", "anthropic")
# No address that is refused for its form alone passes this; hosts and ports are judged when it is fetched.
_ADDRESS = r"^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?#][!-\[\]-~]*)?$"


class WebMarkdownParameters(Parameters):
    """Which page, and how much of it."""

    url: str = Field(
        min_length=1,
        max_length=2048,
        pattern=_ADDRESS,
        title="Address",
        description="A page of the public internet, https://….",
        json_schema_extra={
            "format": "uri",
            **ui(
                cure="Write the whole address of a web page, such as https://example.com/page: with a host, without "
                "user name and password, in plain ASCII (other characters as %XX, names of other scripts as xn--…)."
            ),
        },
    )
    extract: Literal["main", "article", "full"] = Field(
        default="main",
        title="What to keep",
        description="The main part without menus and notices, an article alone, or everything.",
        json_schema_extra=ui(
            widget="choice", labels={"main": "The main part", "article": "An article", "full": "Everything"}
        ),
    )
    refine: bool = Field(
        default=True,
        title="Let Claude go over it",
        description="Only where this installation has a key for Claude; the text of the page is then sent there.",
        json_schema_extra=ui(widget="toggle"),
    )


class WebMarkdown(MediaGeneratorModel[WebMarkdownParameters]):
    """Opens the page in a browser, lets its scripts come to rest, and writes down what there is to read."""

    id = "builtin/web-markdown"
    version = "1"
    title = "Web page to Markdown"
    description = """
        Opens a public web page in a browser, waits for its scripts, and gives its text as Markdown without menus,
        advertisements and notices. A page of more than 8 million characters is refused, never cut. Not AI, unless
        Claude goes over the text: the result then says so.
    """
    task = "url-to-markdown"
    produces = ("text/markdown",)
    resources = Resources(pool=Pool.BROWSER, cpus=1, memory_mb=1024, time_limit_seconds=150)
    deterministic = False
    is_ai = False
    seconds_hint = 3.0
    rate_units = 2
    examples = (
        {"url": "https://example.com/"},
        {"url": "https://en.wikipedia.org/wiki/Markdown", "extract": "article"},
    )

    def __init__(self, reader: Reader | None = None) -> None:
        """`reader` stands in for the one that the settings describe."""
        self._reader = reader

    @classmethod
    def available(cls) -> str | None:
        """Absent without the packages, or without a Chromium."""
        missing = next((name for name in _PACKAGES if find_spec(name) is None), None)
        if missing is not None:
            return f"needs the package {missing}: install project/locks/browser.txt"
        if WebSettings().chromium() is None:
            return (
                f"needs Chromium ({' or '.join(BROWSERS[:2])}): run `make servers`, or set REELWORK_BROWSER_EXECUTABLE"
            )
        return None

    @classmethod
    def caution(cls) -> str | None:
        """Where Chromium runs without its own sandbox."""
        return WebSettings().lacking_sandbox()

    def setup(self) -> None:
        """Load what reads pages; the browser starts with the first one. Raises ProviderUnavailable."""
        if self._reader is not None:
            return
        from worker.models.web.reader import Reader  # noqa: PLC0415  (half a second, and of the browser pool alone)

        settings = WebSettings()
        executable = settings.chromium()
        if executable is None:
            raise ProviderUnavailable("Chromium is missing; run `make servers`.")
        self._reader = Reader(settings, executable)

    def generate(self, params: WebMarkdownParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One Markdown file. Raises InvalidInput for what is no public page, ProviderUnavailable for one that fails."""
        self.setup()
        assert self._reader is not None  # noqa: S101 - setup made it or raised
        text = self._reader.read(
            params.url,
            extract=params.extract,
            refine=params.refine,
            progress=lambda fraction, stage: ctx.progress(fraction, stage=stage),
        )
        path = ctx.workdir / "page.md"
        path.write_text(text.markdown, encoding="utf-8")
        yield Artifact(name="page.md", media_type="text/markdown", path=path, meta=_meta(text))


def _meta(text: Text) -> dict[str, object]:
    told = {
        "title": text.title,
        "url": text.url,
        "source": text.source,
        "words": text.words,
        "status": text.status,
        "refined_by": text.refined_by,
        "is_ai": text.refined_by is not None,
        "note": text.note,
    }
    return {name: value for name, value in told.items() if value is not None}
