"""Make a report of scores: tables with n and 95% intervals, and plots, as PNG and as data.

    arith-puzzle report runs/a/results.json runs/b/results.json --out report

Writes report.md, report.json (the data that each plot shows) and the plots.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "results", nargs="+", metavar="RESULTS", help="results.json of arith-puzzle score, or its folder"
    )
    parser.add_argument("--run", type=Path, help="run.json of the training, for its loss and cost")
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")


def run(args: argparse.Namespace) -> int:
    """Write the report and print where it is."""
    from arith_puzzle.evaluation.report import read_run, report
    from arith_puzzle.evaluation.results import load_results

    files = [str(Path(name) / "results.json") if Path(name).is_dir() else name for name in args.results]
    report(load_results(files), args.out, run=read_run(args.run))
    print(args.out / "report.md")
    return 0
