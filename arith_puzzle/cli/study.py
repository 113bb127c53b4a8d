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
    given = args.scored or []
    scored = dict(text.split("=", 1) for text in given) if all("=" in text for text in given) else given[0]
    if isinstance(scored, str) and len(given) > 1:
        raise InputError(f"--scored {given[-1]}: several need a name each: --scored NAME=DATA")
    for name in (args.dataset, *(scored.values() if isinstance(scored, dict) else [scored])):
        if name is not None:
            check_name(name, "dataset")
    found = run_study(args.study, args.out, dataset=args.dataset, scored=scored or None, accelerate_config=config)
    print(markdown(found))
    return 0
