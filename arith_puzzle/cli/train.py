"""Train a recipe. A recipe is a YAML file that describes one run.

    arith-puzzle train training/recipes/tiny_cpu.yaml --dataset arith-puzzle --out runs/mine

The name alone stands for a recipe of the package: arith-puzzle train tiny_cpu. The same command resumes an interrupted
run from its last complete checkpoint.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.provenance import check_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "recipe", type=Path, metavar="RECIPE", help="file of a recipe, or the name of one in training/recipes"
    )
    parser.add_argument("--dataset", help="folder or Hub id of the dataset (default: the recipe's dataset.path)")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/<name of the recipe>)")
    parser.add_argument(
        "--accelerate-config",
        type=Path,
        help="file for accelerate launch (default: one process, or the recipe's number of CPU processes)",
    )


def run(args: argparse.Namespace) -> int:
    """Train the recipe in a separate process."""
    from arith_puzzle.dataset_builder.configs import how_to_get
    from arith_puzzle.training.launch import launch
    from arith_puzzle.training.recipe import load_recipe

    recipe = load_recipe(args.recipe)
    config = args.accelerate_config
    if config and not config.is_file():
        raise InputError(f"there is no accelerate configuration {config}; see training/accelerate/")
    if args.dataset is not None:
        check_name(args.dataset, "dataset", how_to_get(recipe.dataset and recipe.dataset.config, args.dataset))
    out = args.out or Path("runs") / recipe.name
    return launch(args.recipe, out=out, dataset=args.dataset, accelerate_config=config)
