"""Train and score a study: one training for each size or change that its YAML file lists.

    arith-puzzle study studies/starter_cpu.yaml --dataset arith-puzzle --out runs/starter-cpu

Writes scaling.json, with a log-linear fit for each series, and plots. The same command continues after an interruption.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arith_puzzle.common.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("study", type=Path, metavar="STUDY", help="a study's file, or the name of one in studies")
    parser.add_argument("--dataset", help="folder or Hub id of the training rows (default: the recipe's dataset.path)")
    parser.add_argument(
        "--scored", help="folder, Hub id or JSONL file of the scored rows (default: the study's, else --dataset)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs and the results")
    parser.add_argument(
        "--accelerate-config", type=Path, help="accelerate's configuration (default: training/accelerate/single.yaml)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the study and print its table."""
    from arith_puzzle.studies.scaling import markdown, run_study
    from arith_puzzle.training.launch import SINGLE

    config = args.accelerate_config or SINGLE
    if not config.is_file():
        raise InputError(f"no accelerate configuration at {config}; see training/accelerate/")
    found = run_study(args.study, args.out, dataset=args.dataset, scored=args.scored, accelerate_config=config)
    print(markdown(found))
    return 0
