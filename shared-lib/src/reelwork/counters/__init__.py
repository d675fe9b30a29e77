"""Counters that are fast and may be lost: in this process's memory, or in Redis or Valkey for all gateways together."""
