"""The public functions ``solve``, ``generate`` and ``load_metric`` of ``import arith_puzzle``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from numbers import Integral
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE

METRICS = ("arith_puzzle_verifier", "gsm8k_answer")


def solve(
    numbers: Sequence[int],
    target: int,
    *,
    limit: int | None = 1,
    bound: int | None = None,
    rule: str = "all",
    division: str = "exact",
    form: str = "equations",
) -> list[str]:
    """Solutions of a puzzle, each as a text that ``verify`` accepts. The defaults are the paper's rules.

    Args:
        numbers: 2 to 15 integers; repeats and any order are allowed.
        target: an integer.
        limit: maximum number of solutions; None gives all of them. Above 8 numbers only 1 is possible.
        bound: maximum |intermediate|; None: no bound.
        rule, division, form: as in ``verify``.

    Returns:
        Different solutions. An empty list proves that there is none.

    Raises:
        InputError: numbers, limit or bound out of range.
        ValueError: an unknown rule, division or form.
        LimitReached: nothing was found within the limit of the search, and nothing is proved. See
            ``arith_puzzle.dataset_builder.solver.solve``.
    """
    from arith_puzzle.dataset_builder.puzzle import parse_puzzle
    from arith_puzzle.dataset_builder.solver.solve import LimitReached, find, solutions

    if isinstance(numbers, str):
        raise InputError(f"numbers must be a list of integers, not the string {numbers!r}")
    given, goal = parse_puzzle(f"{','.join(map(str, numbers))}:{target}")
    for name, value in (("limit", limit), ("bound", bound)):
        if value is not None and not (isinstance(value, int) and 1 <= value <= sys.maxsize):
            raise InputError(f"{name} must be an integer of at least 1, not {value!r}")
    options: dict[str, Any] = {"bound": bound, "rule": rule, "division": division, "form": form}
    if limit == 1:
        found, proved = find(given, goal, **options)
        if found is None and not proved:
            raise LimitReached(f"no solution of {given} -> {goal} was found within the limit of the search")
        return [found] if found else []
    return list(islice(solutions(given, goal, **options), limit))


def generate(
    config: str = "starter", split: str = "train", *, rows: int = 1000, seed: int | None = None
) -> list[dict[str, Any]]:
    """The first rows of a split, generated here: the same rows as in the published Parquet files.

    Args:
        config: "1m", "10m", "100m", "stress" or "starter", or the path of a YAML file (docs/custom_puzzles.md).
        split: one of the config's splits, such as "train" or "test".
        rows: how many; fewer if the split has fewer.
        seed: of the dataset; None: that of the config, which is 0 for the published ones.

    Returns:
        One dict for each row: "numbers" (list of int, ascending), "target" (int), "prompt" and "completion" (str), "n"
        (int), "num_solutions" (int or None), "difficulty" (float or None).

    Raises:
        InputError: unknown config or split, or rows or seed out of range.
    """
    from arith_puzzle.dataset_builder.configs import find_config, shard_sizes
    from arith_puzzle.dataset_builder.generate import generate_shard

    for key, value in (("rows", rows), ("seed", seed)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, Integral)):
            raise InputError(f"{key} must be an integer, not {value!r}")
    _, content = find_config(str(config), seed)
    if split not in content.splits:
        raise InputError(f"{config} has no split {split!r}; it has {', '.join(content.splits)}")
    if rows < 1:
        raise InputError(f"rows must be at least 1, not {rows}")
    spec = content.splits[split]
    enough = min(max(rows, len(spec.n_values)), spec.rows)  # every N has a row
    part = replace(content, splits={split: replace(spec, rows=enough)})
    shards = range(len(shard_sizes(part.splits[split])))
    return [row for shard in shards for row in generate_shard(part, split, content.seed, shard).to_pylist()][:rows]


def load_metric(name: str = "arith_puzzle_verifier") -> Any:
    """The metric of this package as ``evaluate.load`` gives it, without a Hub.

    Args:
        name: "arith_puzzle_verifier" or "gsm8k_answer".

    Returns:
        ``evaluate.EvaluationModule``; ``compute(predictions=..., references=...)`` gives pass@k and more.

    Raises:
        InputError: an unknown name, or ``evaluate`` is not installed.
    """
    if name not in METRICS:
        raise InputError(f"unknown metric {name!r}; known: {', '.join(METRICS)}")
    try:
        import evaluate
    except ModuleNotFoundError:
        raise InputError(
            "load_metric needs evaluate, which is not installed; run: pip install 'arith-puzzle[metric]'"
        ) from None
    return evaluate.load(str(PACKAGE / "metrics" / name))
