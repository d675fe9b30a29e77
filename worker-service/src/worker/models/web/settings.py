"""Settings of the models that read web pages."""

import os
import shutil
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from reelwork.runtime.fetching import FetchRuleSettings

# Debian's, then what others call it. The headless shell is the same engine without a window: a third of the size.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


class WebSettings(FetchRuleSettings):
    """Every field is an environment variable `REELWORK_<NAME>`."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    browser_executable: Annotated[
        Path | None, Field(description="Chromium for builtin/web-markdown. None: the one on the path.")
    ] = None
    browser_sandbox: Annotated[
        bool, Field(description="Chromium's own sandbox; it needs user namespaces, and has none for root.")
    ] = True
    anthropic_api_key: Annotated[
        SecretStr | None,
        Field(
            description="With it, Claude tidies the text of web pages. ANTHROPIC_API_KEY is read as well.",
            validation_alias=AliasChoices("REELWORK_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY", "anthropic_api_key"),
        ),
    ] = None
    anthropic_base_url: Annotated[
        str | None, Field(description="Where Claude is asked, such as a gateway of one's own. None: Anthropic.")
    ] = None
    anthropic_model: Annotated[str, Field(description="Which Claude.")] = "claude-haiku-5-5"

    def lacking_sandbox(self) -> str | None:
        """Why Chromium runs without its own sandbox, with the cure; None where it has it."""
        if not self.browser_sandbox:
            return "Chromium runs without its sandbox: REELWORK_BROWSER_SANDBOX is false. Only the container bounds it."
        if os.geteuid() == 0:
            return "Chromium runs without its sandbox, which it has not for root: run this worker as another user."
        return None

    def chromium(self) -> Path | None:
        """The browser, if there is one."""
        if self.browser_executable is not None:
            runs = self.browser_executable.is_file() and os.access(self.browser_executable, os.X_OK)
            return self.browser_executable if runs else None
        found = next((path for path in map(shutil.which, BROWSERS) if path), None)
        return Path(found) if found else None
