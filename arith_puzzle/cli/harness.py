"""Print where the tasks for another evaluation harness are.

    arith-puzzle harness                     # all harnesses, and how each is used
    arith-puzzle harness lm_eval             # the folder of tasks, and nothing else
    lm_eval run --include_path "$(arith-puzzle harness lm_eval)" --tasks arith_puzzle ...

The harnesses are lm_eval (lm-evaluation-harness), lighteval, inspect (inspect-ai) and reasoning_gym. None of them is
needed for this command.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="lm_eval, lighteval, inspect or reasoning_gym")


def run(args: argparse.Namespace) -> int:
    """Print one path, or the table of all harnesses."""
    from arith_puzzle.evaluation.harnesses.places import HARNESSES, find_harness

    if args.name is not None:
        print(find_harness(args.name).path)
        return 0
    for name, harness in HARNESSES.items():
        state = "installed" if harness.installed else f"not installed; run: pip install {harness.install}"
        print(f"{name:<15}{state}\n{'':<15}{harness.path}\n{'':<15}{harness.use}")
    return 0
