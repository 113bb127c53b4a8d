"""Shards built as tasks on several machines."""
