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
        "--scored", action="append", metavar="[NAME=]DATA",
        help="folder or Hub id of the puzzles to score (default: --dataset); for a study with tests, NAME=DATA "
        "replaces the data of the test NAME by a folder, a Hub id or a JSONL file; may be repeated",
    )  # fmt: skip
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
    named = [text.partition("=") for text in args.scored or []]
    if any(equals != "=" for _, equals, _ in named) and len(named) > 1:
        raise InputError(f"--scored {args.scored[-1]}: several need a name each: --scored NAME=DATA")
    for name in (args.dataset, *(data if equals else name for name, equals, data in named)):
        if name is not None:
            check_name(name, "dataset")
    scored = {name: data for name, _, data in named} if named and named[0][1] else next((n for n, _, _ in named), None)
    found = run_study(args.study, args.out, dataset=args.dataset, scored=scored, accelerate_config=config)
    print(markdown(found))
    return 0
