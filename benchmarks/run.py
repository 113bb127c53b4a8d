"""Every benchmark, one after the other.

python -m benchmarks.run [--only NAME] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path

BENCHMARKS = ("generation", "verifier", "metric_memory", "solver", "answers")
"""Modules of this package with ``run() -> dict`` and ``table(dict) -> str``, in the order in which they print."""


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Run benchmarks, print their tables.")
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="may be repeated; default: all")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    args = parser.parse_args(argv)
    measured = {}
    for name in args.only or BENCHMARKS:
        module = import_module(f"benchmarks.{name}")
        measured[name] = module.run()
        print(module.table(measured[name]), end="\n\n", flush=True)
        if args.json:
            args.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
