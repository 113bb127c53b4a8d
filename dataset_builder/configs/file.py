"""Read a config from YAML, and check it before any work. The shipped configs are such files, too.

    name: my_puzzles
    v: 100
    sizes: {4: 1, 5: 2}
    splits:
      train: {rows: 100000}
      test: {rows: 1000, labels: true}

The keys of ``SplitSection`` may stand at the top, for all splits, or in a split. docs/custom_puzzles.md explains the
keys.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, field, fields
from itertools import combinations, combinations_with_replacement
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.strict_yaml import STRICT, NotNegative, Positive, build, parse_yaml, read_yaml
from arith_puzzle.dataset_builder.configs.spec import (
    MAX_PATHS,
    MAX_RATIONAL,
    MAX_RESULT,
    SHARD_ROWS,
    Config,
    SplitSpec,
)
from arith_puzzle.dataset_builder.puzzle import MAX_MAGNITUDE, MAX_NUMBERS, OPERATORS, partition_mask, puzzle_keys
from arith_puzzle.metrics.arith_puzzle_verifier.verify import check_options

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
SPLIT = re.compile(r"[a-z][a-z0-9_]{0,39}")
TAKEN = ("1m", "10m", "100m", "stress", "starter", "paper")
"""Names and families of the shipped configs."""
MAX_CYCLE = 1000
"""Largest sum of the weights of ``sizes``."""
MAX_ROWS = 10_000_000_000
"""Most rows of a split: ten thousand shards."""
FEW_SETS = 3000
"""Up to this many sets of numbers, the possible puzzles of a split are counted exactly."""

Size = Annotated[int, Field(ge=2, le=MAX_NUMBERS)]


@dataclass(frozen=True, config=STRICT)
class SplitSection:
    """The keys of a split; see ``configs.SplitSpec``. A key that is None takes the value at the top of the file."""

    rows: Annotated[int, Field(ge=1, le=MAX_ROWS)] | None = None
    sizes: dict[Size, Positive] | None = None
    v: Annotated[int, Field(ge=1, le=MAX_MAGNITUDE)] | None = None
    at_least: Positive | None = None
    repeat: bool | None = None
    targets: list[int] | None = None
    bound: Annotated[int, Field(ge=1, le=MAX_RESULT)] | None = None
    operations: str | None = None
    labels: bool | None = None
    solutions: Literal["generated", "canonical"] | None = None
    paths: Annotated[int, Field(ge=1, le=MAX_PATHS)] | None = None


@dataclass(frozen=True, config=STRICT)
class File(SplitSection):
    """The keys of a file."""

    name: str = ""
    splits: dict[str, dict] = field(default_factory=dict)
    seed: NotNegative = 0
    rule: str = "all"
    division: str = "exact"
    form: str = "equations"
    family: str = ""


def load(path: str | Path) -> Config:
    """Read and check the file of a custom config.

    Raises:
        InputError: the file cannot be read, has an unknown or wrong key, or asks for puzzles that do not exist.
    """
    return _config(path, read_yaml(Path(path), "config"), shipped=False)


def parse(place: str, text: str, *, shipped: bool = False) -> Config:
    """Check a config in YAML; ``place`` names it in messages. Raises InputError as ``load``."""
    return _config(place, parse_yaml(place, text), shipped)


def _config(path: str | Path, raw: object, shipped: bool) -> Config:
    given: File = build(path, "", File, raw)
    if not shipped and not NAME.fullmatch(given.name):
        raise InputError(
            f"{path}: name must be lower-case letters, digits and _, such as my_puzzles; got {given.name!r}"
        )
    if not shipped and given.name in TAKEN:
        raise InputError(f"{path}: the name {given.name!r} is that of a shipped config; choose another")
    if given.family and not shipped:
        raise InputError(f"{path}: family is a key of shipped configs alone; leave it out")
    try:
        check_options(given.division, given.rule, given.form)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    if not given.splits:
        raise InputError(f"{path}: splits is empty; write at least one, such as splits: {{test: {{rows: 1000}}}}")
    rules = {"rule": given.rule, "division": given.division, "form": given.form}
    splits = {}
    for name, content in given.splits.items():
        if not SPLIT.fullmatch(name) or name == "all":  # datasets keeps "all" for itself
            raise InputError(
                f"{path}: the name of a split has lower-case letters, digits, _, and is not 'all': {name!r}"
            )
        section: SplitSection = build(path, f"splits.{name}.", SplitSection, content)
        top = {item.name: getattr(given, item.name) for item in fields(SplitSection)}
        values = top | {key: value for key, value in asdict(section).items() if value is not None}
        place = f"{path}: splits.{name}"
        splits[name] = _split(place, name, values, rules)
        if not shipped:  # numba, which the checks import, is slow to import
            _check_solver(place, splits[name])
            if name != "train":
                _check_capacity(place, name, splits[name])
    if not set(splits) - {"train", "validation"}:
        raise InputError(f"{path}: splits needs one to score on, besides train and validation, such as test")
    return Config(given.family or given.name, splits, custom=not shipped, seed=given.seed)


def _split(place: str, name: str, values: dict, rules: dict[str, str]) -> SplitSpec:
    """One split from its keys, checked."""
    for key in ("rows", "sizes", "v"):
        if values[key] is None:
            raise InputError(f"{place}: {key} is missing; write it in the split or at the top of the file")
    sizes, v = values["sizes"], values["v"]
    if not sizes or sum(sizes.values()) > MAX_CYCLE:
        raise InputError(f"{place}: sizes must have weights with a sum of 1 to {MAX_CYCLE}; got {sizes}")
    targets = values["targets"] or [1, v]
    if len(targets) != 2 or targets[0] > targets[1] or max(map(abs, targets)) > MAX_MAGNITUDE:
        raise InputError(f"{place}: targets is [lowest, highest], within ±{MAX_MAGNITUDE}; got {targets}")
    # 5 and 6 with the weights 1 and 2 are 5, 6, 6
    common = math.gcd(*sizes.values())
    n_values = tuple(n for n, weight in sorted(sizes.items()) for _ in range(weight // common))
    operations = OPERATORS if values["operations"] is None else values["operations"]
    if not operations or any(operations.count(op) != 1 or op not in OPERATORS for op in operations):
        raise InputError(f'{place}: operations are some of "{OPERATORS}", each once, such as "+-"; got {operations!r}')
    train = name == "train"
    spec = SplitSpec(
        rows=values["rows"],
        n_values=n_values,
        v=v,
        at_least=values["at_least"] or 1,
        labels=False if values["labels"] is None else values["labels"],
        solutions=values["solutions"] or "generated",
        paths=values["paths"] or 1,
        repeat=bool(values["repeat"]),
        targets=(targets[0], targets[1]),
        largest_result=values["bound"] or min(10 * max(v, *map(abs, targets)), MAX_RESULT),
        operations="".join(op for op in OPERATORS if op in operations),
        **rules,
    )
    if not spec.repeat and max(n_values) > v:
        raise InputError(f"{place}: {max(n_values)} distinct numbers do not fit in 1..{v}; raise v or set repeat: true")
    if spec.at_least > v:
        raise InputError(f"{place}: at_least {spec.at_least} is above v, {v}")
    if spec.bound < max(v, *map(abs, spec.target_range)):
        raise InputError(f"{place}: bound {spec.bound} is below v or a target; raise it")
    if spec.paths > 1 and not (train and spec.solutions == "canonical"):
        raise InputError(f"{place}: paths above 1 is for the split train, with solutions: canonical")
    if spec.rows < len(n_values):
        raise InputError(f"{place}: rows {spec.rows} is below the sum of the weights, {len(n_values)}")
    return spec


def _check_solver(place: str, spec: SplitSpec) -> None:
    """Raise InputError if the solver cannot label the puzzles or find their canonical solutions."""
    if spec.division == "rational" and spec.bound > MAX_RATIONAL:
        raise InputError(f"{place}: with fractions, bound is at most {MAX_RATIONAL:,}; got {spec.bound:,}")
    if spec.paths > 1 and not spec.paper_moves:
        raise InputError(f"{place}: paths above 1 is for rule all, division exact and all operations")
    if not spec.labels and spec.solutions == "generated":
        return
    from arith_puzzle.dataset_builder.solver.analysis import MAX_NUMBERS as MAX_BY_RULES
    from arith_puzzle.dataset_builder.solver.labels import MAX_CELLS
    from arith_puzzle.dataset_builder.solver.labels import MAX_NUMBERS as MAX_LABELLED

    most = MAX_LABELLED if spec.paper_moves else MAX_BY_RULES[spec.division]
    if max(spec.n_values) > most:
        rules = "" if spec.paper_moves else " by these rules"
        raise InputError(f"{place}: labels and canonical solutions{rules} are for sizes up to {most}")
    if spec.labels and spec.paper_moves:
        for n in set(spec.n_values):
            limit = (MAX_CELLS >> n) // 2 - 1
            if spec.bound > limit:
                raise InputError(f"{place}: labels of size {n} need a bound up to {limit}, not {spec.bound}")


def _check_capacity(place: str, split: str, spec: SplitSpec) -> None:
    """Raise InputError if there are fewer puzzles than the split wants; evaluation splits have each once."""
    if spec.rows > SHARD_ROWS:
        raise InputError(f"{place}: an evaluation split has at most {SHARD_ROWS:,} rows; got {spec.rows:,}")
    for n in set(spec.n_values):
        wanted = sum(spec.n_values[at % len(spec.n_values)] == n for at in range(spec.rows))
        sets = _sets(spec.v, n, spec.repeat) - _sets(spec.at_least - 1, n, spec.repeat)
        low, high = spec.target_range
        at_most, exact = sets * (high - low + 1), False
        few = FEW_SETS if spec.paper_moves else FEW_SETS // 10  # the solver of other rules is slower
        if wanted > at_most // 500 and sets <= few and n <= 5 and (2 * spec.bound + 1) << n <= 1 << 22:
            at_most, exact = _count(split, spec, n), True
        if wanted > at_most:
            raise InputError(
                f"{place}: there are {'exactly' if exact else 'at most'} {at_most:,} puzzles of size {n} for it, and "
                f"rows asks for {wanted:,}; lower rows or raise v"
            )


def _sets(v: int, n: int, repeat: bool) -> int:
    return math.comb(v + n - 1, n) if repeat else math.comb(v, n)


def _count(split: str, spec: SplitSpec, n: int) -> int:
    """The number of puzzles of size n that the split may have, by trying all sets of numbers."""
    from arith_puzzle.dataset_builder.solver.analysis import reachable

    low, high = spec.target_range
    choose = combinations_with_replacement if spec.repeat else combinations
    total, subset = 0, spec.rule == "subset"
    options: dict[str, Any] = {"bound": spec.bound, "operations": spec.operations, **spec.rules}
    for numbers in choose(range(1, spec.v + 1), n):
        if numbers[-1] < spec.at_least:
            continue
        found = [t for t in reachable(numbers, **options) if low <= t <= high and not (subset and t in numbers)]
        if found:
            keys = puzzle_keys(np.tile(np.array(numbers, np.int64), (len(found), 1)), np.array(found, np.int64))
            total += int(partition_mask(keys, split).sum())
    return total
