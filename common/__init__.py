"""Shared helpers: errors, files and locks, child processes, strict YAML, chat prompts, and the provenance of runs."""
