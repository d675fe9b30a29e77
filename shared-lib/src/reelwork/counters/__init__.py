"""Counters in Redis or Valkey: fast, shared by all gateways, and never the only place of anything that must not be lost."""
