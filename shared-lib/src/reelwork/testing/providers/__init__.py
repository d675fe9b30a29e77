"""A fake of the providers: one server on loopback that speaks the contract of each under a path of its own.

    with running_providers() as fakes:
        fakes.replicate.behaviour.refuse = "insufficient_credit"
        ...                                   # speak to fakes.replicate.url with fakes.replicate.key
        assert fakes.replicate.paid == 0

From a shell: `python -m reelwork.testing.providers`. The providers' own SDKs are driven against it in the tests; what
could not be verified so is named in docs/providers.md. Needs starlette, uvicorn and httpx2 (the gateway has them);
real films need PyAV (the worker has it).
"""

from reelwork.testing.providers.behaviour import Behaviour, Work
from reelwork.testing.providers.server import FakeProviders, running_providers

__all__ = ["Behaviour", "FakeProviders", "Work", "running_providers"]
