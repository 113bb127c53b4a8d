"""Run benchmarks and print their tables.

    python -m benchmarks                                    # those of `make bench`
    python -m benchmarks solver answers --json figures.json
    python -m benchmarks data_path --dataset arith-puzzle --config 1m --config 100m --ours-only 100m

The JSON file of one benchmark holds its figures; that of several holds {name: figures}.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from importlib import import_module
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_text

BENCHMARKS = {
    "generation": "rows generated per second, and the time of whole builds",
    "verifier": "answers judged per second, beside other projects' scorers",
    "metric_memory": "memory of the metric over a million predictions",
    "solver": "time per puzzle of the solver and the labels",
    "solve": "time to the first solution, public and generated puzzles; needs --countdown",
    "answers": "tokens generated per second, beside transformers",
    "search": "oracle: puzzles that the search procedure solves, executed exactly",
    "first_steps": "loss of the search base's first steps: AdamW or Muon, with or without Fourier number embeddings",
    "muon": "a step of Muon on this CPU, in bfloat16 as torch does it and in float32",
    "processes": "a training step of demo_cpu in one and in two CPU processes; needs --dataset",
    "speedrun": "time from nothing to a model that passes the paper's score in distribution",
    "demo": "latency of the demo, with twenty visitors",
    "training": "training tokens per second, beside `trl sft`; needs --dataset",
    "data_path": "time to the first steps, disk and memory, beside `trl sft`; needs --dataset",
    "people": "how well the labels predict what people find hard in the game of 24; needs --games",
    "scale": "time, bytes and duplicates of a shard: the figures of docs/scale.md",
}
DEFAULT = ("generation", "verifier", "metric_memory", "solver", "answers")
"""What runs without a name: what needs neither a dataset nor an idle machine for long."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 for bad input."""
    parser = _parser()
    args = vars(parser.parse_args(argv))
    names, file = args.pop("names") or list(DEFAULT), args.pop("json")
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; known: {', '.join(BENCHMARKS)}")
    given = {name: value for name, value in args.items() if value is not None}
    modules = {name: import_module(f"benchmarks.{name}") for name in names}
    accepted = {name: inspect.signature(module.run).parameters for name, module in modules.items()}
    for option in given:
        if not any(option in parameters for parameters in accepted.values()):
            parser.error(f"--{option.replace('_', '-')} does nothing for {', '.join(names)}; leave it out")
    measured = {}
    for name, module in modules.items():
        options = {option: value for option, value in given.items() if option in accepted[name]}
        required = [p.name for p in accepted[name].values() if p.default is p.empty and p.name not in options]
        if required:
            parser.error(f"{name} needs --{required[0].replace('_', '-')}")
        try:
            measured[name] = module.run(**options)
        except InputError as error:
            print(f"benchmarks {name}: {error}", file=sys.stderr)
            return 2
        print(module.table(measured[name]), end="\n\n", flush=True)
        if file:
            write_text(file, _json(measured[name] if len(names) == 1 else measured))
    return 0


def _json(content: dict) -> str:
    import json

    return json.dumps(content, indent=1) + "\n"


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, BENCHMARKS)) + 2
    listed = "\n".join(f"  {name:<{width}}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{listed}\n\nWithout a name: {', '.join(DEFAULT)}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run, in this order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    some = parser.add_argument_group("options of some benchmarks")
    some.add_argument(
        "--repeats", type=int, help="generation, solver, solve, answers: repetitions (default: 5, 5, 3, 3)"
    )
    some.add_argument("--rounds", type=int, help="verifier, training: rounds (default: 7, 3)")
    some.add_argument(
        "--build",
        dest="builds",
        action="append",
        metavar="CONFIG",
        help="generation: also build this config (repeatable)",
    )
    some.add_argument("--dataset", type=Path, help="processes, training, data_path: a folder of `arith-puzzle build`")
    some.add_argument(
        "--config", dest="configs", action="append", help="data_path: config of the dataset (repeatable; default: 1m)"
    )
    some.add_argument(
        "--ours-only", action="append", metavar="CONFIG", help="data_path: leave out `trl sft` for it (repeatable)"
    )
    some.add_argument("--model", dest="models", action="append", help="training: base model (repeatable)")
    some.add_argument(
        "--countdown", type=Path, help="solve: folder of cd3_test_dream.jsonl, cd4_…, cd5_… and game24.csv"
    )
    some.add_argument("--recipe", help="speedrun: a recipe that trains from scratch (default: speedrun)")
    some.add_argument("--games", type=Path, help="people: 24.csv of princeton-nlp/tree-of-thought-llm")
    some.add_argument("--peak-tflops", type=float, help="training: the GPU's dense bf16 peak, for the share of it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
