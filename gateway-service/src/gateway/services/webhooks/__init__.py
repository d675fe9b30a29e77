"""Webhooks: who listens (`hooks`, `endpoints`), what is told (`herald`, `payload`), and how it gets there (`sender`).

The way of an event: the write that changes a job marks it (`store/untold.py`); a herald turns what is not told yet into
deliveries, one for each address (`store/deliveries.py`); senders try these until they arrive. Whatever dies in between
is taken up by another gateway: see docs/decisions/0029-webhooks.md.
"""
