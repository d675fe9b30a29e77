"""Fetching what a caller names by its address, without ever reaching what only we can reach.

Everything that fetches an address which somebody gave us goes through `Fetcher`: see docs/decisions/0020-fetching.md.
"""

from reelwork.fetch.allowance import Allowance
from reelwork.fetch.exchange import Question
from reelwork.fetch.fetcher import Fetched, Fetcher, Reply
from reelwork.fetch.retry_after import asked_wait
from reelwork.fetch.rules import FetchRules, Network

__all__ = ["Allowance", "FetchRules", "Fetched", "Fetcher", "Network", "Question", "Reply", "asked_wait"]
