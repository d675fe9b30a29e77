"""`python -m checks.generated`: whether the files that are written from code still say what the code says."""

import sys
from pathlib import Path

from gateway.openapi import document

OPENAPI = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.json"


def main() -> int:
    if OPENAPI.read_text() != document():
        sys.stdout.write("docs/openapi.json is not what the gateway serves: make openapi\n")
        return 1
    sys.stdout.write("Generated files are current.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
