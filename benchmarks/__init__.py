"""Benchmarks of speed, memory and latency: ``python -m benchmarks [NAME ...] [--json FILE]``.

Each benchmark is a module with ``run(...) -> dict``, which measures, and ``table(dict) -> str``, which formats the
figures. The figures of the published runs are in benchmarks/results/.
"""
