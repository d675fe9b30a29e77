"""Pure rules: states, tiers, fairness, retries, ids, errors. No I/O, no clock, no drivers."""
