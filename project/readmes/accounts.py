"""The keys that stand in the READMEs, and the accounts that they open here."""

from reelwork.domain.tier import Tier

# By key: Luma's, of its tier; one of Luna's kind.
KEYS: dict[str, tuple[str, Tier]] = {
    "dev_test_key": ("developer-of-the-readme", Tier.DEVELOPER),
    "pro_test_key": ("pro-of-the-readme", Tier.PRO),
    "3f0c8f5e-6a0e-4c57-9d3b-0c0a5a1f2e11": ("luna", Tier.ENTERPRISE),
}
