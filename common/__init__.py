"""Shared helpers: errors, files, processes, strict YAML, weights, provenance, chat prompts, endpoints, replies."""
