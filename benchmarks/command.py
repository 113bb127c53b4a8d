"""The command line of a benchmark that takes no options of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path


def command(name: str, doc: str, run: Callable[[], dict], table: Callable[[dict], str], argv: list[str] | None) -> int:
    """Measure, print the table, write the figures as JSON where asked. Returns 0."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=doc.split("\n", 1)[0])
    parser.add_argument("--json", type=Path, help="write the figures here too")
    args = parser.parse_args(argv)
    measured = run()
    print(table(measured))
    if args.json:
        args.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0
