"""Write a dataset: Parquet shards, the manifest and the card.

    arith-puzzle build --config starter --out arith-puzzle

Shards that are complete are kept, so the same command continues after an interruption. Afterwards
load_dataset("arith-puzzle") works beside the folder. docs/scale.md explains the options for several machines.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arith_puzzle.common.errors import InputError

OWN = {
    "name": "name of the config",
    "sizes": "N: weight, such as '{4: 1, 5: 2}'",
    "v": "numbers are in 1..V",
    "rows": "rows of each split",
    "splits": "the splits and their own keys, such as '{train: {rows: 5000}, test: {rows: 200, labels: true}}'",
    "repeat": "true: a number may occur twice in a puzzle",
    "at_least": "lower bound on the largest number",
    "targets": "[lowest, highest]",
    "bound": "largest intermediate result",
    "labels": "true: rows have num_solutions and difficulty",
    "operations": "operators of solutions, such as '+-'",
    "rule": "all: each number is used; subset: numbers may be left out",
    "division": "exact, integer (truncated) or rational (fractions)",
    "form": "equations or expression",
}
"""Options that state a config of the user's: the keys of its file, each with a value in YAML."""
TASKS = ("tasks", "logs", "partition", "time", "sbatch")
"""Options of --executor."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--config",
        help="1m, 10m, 100m, stress or starter (default: starter), or a YAML file: docs/custom_puzzles.md",
    )
    parser.add_argument(
        "--out",
        default="arith-puzzle",
        help="the dataset's folder; with --executor also an address such as s3://bucket/folder",
    )
    parser.add_argument("--seed", type=int, help="seed of the rows (default: the config's; 0 for shipped ones)")
    parser.add_argument(
        "--workers", type=int, help="maximum number of shards or tasks at a time (default: 2; on a cluster: no limit)"
    )
    parser.add_argument(
        "--solutions",
        choices=("generated", "canonical"),
        help="kind of solution in the rows (default: that of the config)",
    )
    parser.add_argument("--paths", type=int, default=1, help="solutions for each train puzzle (default: 1)")
    parser.add_argument(
        "--default",
        action="store_true",
        help="make this config the one that load_dataset loads by default (otherwise: the first config that was built)",
    )
    parser.add_argument(
        "--style",
        choices=("arith-puzzle", "countdown"),
        default="arith-puzzle",
        help="columns and prompts: ours (default), or nums, target and TinyZero's prompts",
    )
    parser.add_argument("--template", choices=("chat", "base"), help="prompt of --style countdown (default: chat)")
    own = parser.add_argument_group(
        "a config of your own", "the keys of docs/custom_puzzles.md, values in YAML; with --config FILE they replace "
        "the keys at the top of the file"
    )  # fmt: skip
    for key, text in OWN.items():
        own.add_argument(f"--{key.replace('_', '-')}", metavar="YAML", help=text)
    tasks = parser.add_argument_group("several machines", "docs/scale.md explains how, and what it costs")
    tasks.add_argument(
        "--executor", choices=("local", "ray", "slurm"), help="build the shards as tasks of a datatrove executor"
    )
    tasks.add_argument("--collect", action="store_true", help="only write the manifest; all shards must exist")
    tasks.add_argument("--tasks", type=int, help="number of tasks (default: one for each shard)")
    tasks.add_argument("--logs", help="datatrove's log folder, visible to all machines (default: below runs/executors)")
    tasks.add_argument("--partition", help="Slurm partition")
    tasks.add_argument("--time", help="Slurm time limit of a job (default: 01:00:00)")
    tasks.add_argument("--sbatch", metavar="KEY=VALUE", action="append", help="one more sbatch option; may be repeated")


def run(args: argparse.Namespace) -> int:
    """Build it and print a line for each split."""
    from arith_puzzle.dataset_builder.configs import find_config, with_solutions
    from arith_puzzle.release.pipeline import build_dataset, build_with_executor, collect_dataset, make_default

    args.config = _config(args)
    if args.style == "countdown":
        return _countdown(args)
    if args.template:
        raise InputError("--template goes with --style countdown; leave it out")
    options = {name: getattr(args, name) for name in TASKS}
    given = {name: value for name, value in options.items() if value is not None}
    slurm_only = [name for name in given if name in ("partition", "time", "sbatch") and args.executor != "slurm"]
    if slurm_only or (given and not args.executor):
        name, needed = (slurm_only[0], "--executor slurm") if slurm_only else (next(iter(given)), "--executor")
        raise InputError(f"--{name} goes with {needed} and does nothing here; leave it out")
    if args.default and args.executor == "slurm":
        raise InputError("--default needs the built config, and Slurm builds it later; give it with --collect then")
    if args.collect and args.executor:
        raise InputError("--collect only writes the manifest and runs no task; leave out --executor")
    common = {"seed": args.seed, "solutions": args.solutions, "paths": args.paths}
    if args.collect:
        manifest = collect_dataset(args.config, args.out, **common)
    elif args.executor:
        manifest = build_with_executor(args.config, args.out, args.executor, workers=args.workers, **common, **given)
    elif "://" in args.out:
        raise InputError(f"--out {args.out} is not a folder; an address needs --executor, such as --executor local")
    else:
        workers = 2 if args.workers is None else args.workers
        manifest = build_dataset(args.config, Path(args.out), workers=workers, **common)
    if manifest is None:
        print(f"submitted; the last job writes {args.out}/manifest.json, `squeue --me` shows how far they are")
        return 0
    if args.default:
        name, content = find_config(args.config)
        make_default(name + with_solutions(content, args.solutions, args.paths).suffix, args.out)
    for name, config in manifest["configs"].items():
        for split, item in config["splits"].items():
            print(f"{args.out}: {name}/{split}: {item['rows']:,} rows in {len(item['shards'])} shard(s)")
    return 0


def _config(args: argparse.Namespace) -> str:
    """The config for ``find_config``: --config, or YAML that the options of OWN state or change."""
    from arith_puzzle.dataset_builder.configs import own_config

    given = {key: getattr(args, key) for key in OWN if getattr(args, key) is not None}
    return own_config(args.config, given) if given else args.config or "starter"


def _countdown(args: argparse.Namespace) -> int:
    from arith_puzzle.dataset_builder.countdown import build_countdown

    no_effect = [*TASKS, "executor", "collect", "default", "solutions", "workers"]
    given = next((name for name in no_effect if getattr(args, name)), "paths" if args.paths != 1 else None)
    if given:
        raise InputError(f"--{given} does nothing with --style countdown; leave it out")
    rows = build_countdown(args.config, Path(args.out), seed=args.seed, template=args.template or "chat")
    for split, count in rows.items():
        print(f"{args.out}: {split}: {count:,} rows")
    return 0
