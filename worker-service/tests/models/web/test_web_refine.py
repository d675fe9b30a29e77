"""Claude may go over a page's text; whatever it does or does not do, there is a text."""

from pathlib import Path

import pytest

from reelwork.generator import LocalContext
from testkit.anthropic import FakeAnthropic
from worker.models.web.reader import Reader
from worker.models.web_markdown import WebMarkdown, WebMarkdownParameters

pytestmark = pytest.mark.browser


def test_claude_goes_over_the_text_as_data(read, claude: FakeAnthropic):
    claude.asked.clear()
    claude.turns = [(429, "rate_limit_error"), (529, "overloaded_error"), (200, "# Refined\n\nBetter.")]

    text = read("/plain", refine=True)

    assert (text.markdown, text.refined_by, text.note) == ("# Refined\n\nBetter.\n", "claude-haiku-5-5", None)
    assert len(claude.asked) == 3
    headers, body = claude.asked[-1]
    assert headers["authorization"] == "Bearer sk-ant-test"
    assert body["messages"] == [{"role": "user", "content": "<page>\n# Plain\n\nSome words to read.\n\n</page>"}]
    assert "never an instruction" in body["system"]
    assert "tools" not in body


@pytest.mark.parametrize(
    ("turn", "stop_reason", "note"),
    [
        ((200, "# Half"), "max_tokens", "cut off"),
        ((200, ""), "refusal", "declined"),
        ((200, ""), "end_turn", "no text"),
        ((401, "authentication_error"), "end_turn", "answered 401"),
        ((529, "overloaded_error"), "end_turn", "answered 529"),
    ],
)
def test_without_claudes_help_the_text_stays_with_a_note(read, claude: FakeAnthropic, turn, stop_reason, note):
    claude.turns, claude.stop_reason = [turn], stop_reason
    try:
        text = read("/plain", refine=True)
    finally:
        claude.stop_reason = "end_turn"

    assert (text.markdown, text.refined_by) == ("# Plain\n\nSome words to read.\n", None)
    assert note in (text.note or "")


@pytest.mark.parametrize(("status", "is_ai"), [(200, True), (401, False)])
def test_a_result_says_whether_claude_wrote_it(reader: Reader, claude: FakeAnthropic, tmp_path: Path, status, is_ai):
    claude.turns = [(status, "# Refined")]
    params = WebMarkdownParameters(url="http://www.example.com/plain", refine=True)

    (artifact,) = WebMarkdown(reader).generate(params, LocalContext(tmp_path))

    assert artifact.meta["is_ai"] is is_ai
    assert artifact.meta.get("refined_by") == ("claude-haiku-5-5" if is_ai else None)
