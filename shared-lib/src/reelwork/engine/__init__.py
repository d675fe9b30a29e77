"""The protocol: how a job is submitted, claimed, run, ended and repaired, over the stores and the broker's ports."""
