"""Counters in Redis or Valkey: fast, and shared by all gateways."""
