"""The OpenAPI document as it is committed, which a check holds equal to what the gateway would make.

Making it takes a gateway a second and a half, reading it takes milliseconds.
"""

import functools
import json
from pathlib import Path
from typing import Any

_WRITTEN = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


@functools.cache
def openapi() -> dict[str, Any]:
    """The document, read once; do not change it."""
    document: dict[str, Any] = json.loads(_WRITTEN.read_text())
    return document
