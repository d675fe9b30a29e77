"""`python -m gateway.openapi FILE`: write the OpenAPI document, so that a change of the contract shows in a diff."""

import argparse
import json
from pathlib import Path

from pydantic import SecretStr

from gateway.app import create_app
from gateway.settings import GatewaySettings


def document() -> str:
    """The document, as text that only changes when the contract does. Opens nothing."""
    nowhere = SecretStr("none")
    settings = GatewaySettings(
        mongo_url=nowhere, broker_url=nowhere, s3_endpoint_url="", s3_access_key=nowhere, s3_secret_key=nowhere
    )
    return json.dumps(create_app(settings).openapi(), indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway.openapi", description="Write the OpenAPI document.")
    parser.add_argument("file", type=Path)
    parser.parse_args().file.write_text(document())


if __name__ == "__main__":
    main()
