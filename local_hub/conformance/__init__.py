"""Measuring the local Hub with huggingface_hub's own test suite (`python -m arith_puzzle.local_hub.conformance`)."""
