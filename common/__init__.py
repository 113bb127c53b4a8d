"""Shared helpers: errors, files and locks, strict YAML, and the provenance of runs."""
