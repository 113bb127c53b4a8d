"""huggingface_hub's own test suite, run against the local Hub (`python -m arith_puzzle.local_hub.conformance`)."""
