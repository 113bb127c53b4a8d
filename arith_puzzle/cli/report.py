"""Write a report of scores: tables with n and 95% intervals, and plots.

    arith-puzzle report runs/a/results.json runs/b/results.json --out report

The command writes report.md, report.json (the data of tables and plots) and the plots as PNG files.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "results", nargs="+", metavar="RESULTS", help="results.json of arith-puzzle score, or the folder that holds it"
    )
    parser.add_argument(
        "--run", type=Path, metavar="FILE", help="run.json of the training: adds its loss and cost (default: none)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")


def run(args: argparse.Namespace) -> int:
    """Write the report and print its path."""
    from arith_puzzle.evaluation.report import read_run, report
    from arith_puzzle.evaluation.results import load_results

    files: list[str | Path] = [Path(name) / "results.json" if Path(name).is_dir() else name for name in args.results]
    report(load_results(files), args.out, run=read_run(args.run))
    print(args.out / "report.md")
    return 0
