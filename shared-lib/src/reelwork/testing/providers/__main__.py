"""`python -m reelwork.testing.providers`: run the fake providers, and print the settings that lead a worker to them."""

import argparse
import signal
import sys
import threading

from reelwork.testing.providers.behaviour import Behaviour
from reelwork.testing.providers.server import running_providers

# By provider: the variable with its key, and the path of the API below the provider's own.
SETTINGS = {
    "replicate": ("REPLICATE_API_TOKEN", ""),
    "fal": ("FAL_KEY", ""),
    "luma": ("LUMA_AGENTS_API_KEY", "/v1"),
    "heygen": ("HEYGEN_API_KEY", ""),
    "runway": ("RUNWAYML_API_SECRET", ""),
    "openai": ("OPENAI_API_KEY", "/v1"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m reelwork.testing.providers", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long every work takes")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with running_providers(port=arguments.port) as fakes:
        fakes.behave(Behaviour(run_seconds=arguments.seconds))
        for provider in fakes.all:
            credential, path = SETTINGS[provider.name]
            sys.stdout.write(f"export {credential}={provider.key}\n")
            sys.stdout.write(f"export {provider.name.upper()}_BASE_URL={provider.url}{path}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
