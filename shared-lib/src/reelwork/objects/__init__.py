"""Bytes: the object store, spoken to over S3."""
