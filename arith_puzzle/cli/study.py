"""Run a scaling study: train and score a model for each training size or change that a YAML file lists.

    arith-puzzle study studies/starter_cpu.yaml --dataset arith-puzzle --out runs/starter-cpu

The command writes scaling.json and scaling.md, with a log-linear fit for each curve, and plots. The same command
resumes an interrupted study.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.provenance import check_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "study", type=Path, metavar="STUDY", help="YAML file of a study, or the name of one in studies/"
    )
    parser.add_argument(
        "--dataset", help="folder or Hub id of the training rows (default: dataset.path of the study's recipe)"
    )
    parser.add_argument(
        "--scored",
        help="folder, Hub id or JSONL file of the rows to score (default: 'scored' of the study, else --dataset)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the trainings and the results")
    parser.add_argument(
        "--accelerate-config", type=Path, metavar="FILE",
        help="configuration of accelerate (default: one process, or the recipe's CPU processes)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the study and print its table."""
    from arith_puzzle.studies.scaling import markdown, run_study

    config = args.accelerate_config
    if config and not config.is_file():
        raise InputError(f"there is no accelerate configuration {config}; see training/accelerate/")
    for name in (args.dataset, args.scored):
        if name is not None:
            check_name(name, "dataset")
    found = run_study(args.study, args.out, dataset=args.dataset, scored=args.scored, accelerate_config=config)
    print(markdown(found))
    return 0
