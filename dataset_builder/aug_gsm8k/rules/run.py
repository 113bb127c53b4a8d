"""Run the strategies over a file of GSM8K, keep what is new, and write the run's folder."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from types import ModuleType

from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256
from arith_puzzle.common.processes import follow_parent
from arith_puzzle.dataset_builder.aug_gsm8k.contamination import Benchmarks, normalized
from arith_puzzle.dataset_builder.aug_gsm8k.doubtful import is_doubtful
from arith_puzzle.dataset_builder.aug_gsm8k.rules import (
    change_numbers,
    combine_concepts,
    complexity,
    conditional,
    fractions_percentages,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import RULES_VERSION, Pair
from arith_puzzle.dataset_builder.aug_gsm8k.rules.paths import MOST_PATHS, orders
from arith_puzzle.dataset_builder.aug_gsm8k.runs import Run, check_place, write_run
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem, number_text, read_problems
from arith_puzzle.metrics.gsm8k_answer.score import answer

GENERATOR = "rules"
MODULES: dict[str, ModuleType] = {
    "change_numbers": change_numbers,
    "fractions_percentages": fractions_percentages,
    "combine_concepts": combine_concepts,
    "conditional": conditional,
    "complexity": complexity,
}
"""Strategy -> its module, with ``augment``, ``REFUSED`` and ``DROPPED``. A run uses this order."""
PER_QUESTION = {"change_numbers": 36, "fractions_percentages": 15, "combine_concepts": 18, "complexity": 19}
"""Strategy -> default of the maximum number of new questions from each source."""
FEW = 8
"""This default for all strategies that PER_QUESTION does not name."""

REFUSED = {"doubtful": "readers found the question or its solution doubtful"}
"""Reason why the run refuses a source for every strategy -> its meaning; see ``aug_gsm8k.doubtful``."""
DROPPED = {
    "duplicate": "the question equals one of GSM8K, or an earlier one of the run",
    "contaminated": "the question shares 13 words in a row with a test question, or equals one up to its numbers",
}
"""Reason why the run drops a question that a strategy made -> its meaning."""

Made = list[tuple[list[Pair], str | None, Counter[str]]]
"""What the strategies make of one source, in the order of the strategies."""


def run(
    source: Path, out: Path, *, limit: int | None, against: dict[str, Path], seed: int,
    strategies: Sequence[str] = tuple(MODULES), per_question: int | None = None, workers: int = 2,
) -> Run:  # fmt: skip
    """Make verified pairs from each source by each strategy, and write the run's folder.

    What a strategy makes is a pure function of (RULES_VERSION, seed, source index, attempt). So the files do not
    depend on ``workers``.

    Args:
        source: GSM8K's train split, JSONL.
        out: folder of the run.
        limit: maximum number of source rows; None uses all.
        against: {benchmark: file}, see ``contamination.BENCHMARKS``.
        seed: seed of all draws.
        strategies: keys of MODULES.
        per_question: maximum number of new questions from each source by each strategy; None: see PER_QUESTION.
        workers: number of processes.

    Raises:
        InputError: bad input, or no source gives a pair.
    """
    if per_question is not None and per_question < 1:
        raise InputError(f"--per-question must be at least 1, not {per_question}")
    if unknown := [name for name in strategies if name not in MODULES]:
        raise InputError(f"--strategy must be one of {', '.join(MODULES)}, not {unknown[0]!r}")
    if seed < 0:
        raise InputError(f"--seed must be at least 0, not {seed}")
    names = [name for name in MODULES if name in strategies]
    counts = {name: per_question or PER_QUESTION.get(name, FEW) for name in names}
    read = read_problems(source, limit)
    problems = [problem for problem in read if not is_doubtful(problem)]
    benchmarks = Benchmarks(against)
    check_place(out)
    refused = {name: Counter({"doubtful": len(read) - len(problems)}) for name in names}
    dropped: dict[str, Counter[str]] = {name: Counter() for name in names}
    giving: Counter[str] = Counter()
    rows: list[dict] = []
    seen: set[str] = {normalized(problem.query, numbers=True) for problem in read}
    parameters = json.dumps({"rules_version": RULES_VERSION, "seed": seed}, sort_keys=True)
    made = _augment_all(problems, seed, counts, workers)
    for problem, found in tqdm(zip(problems, made, strict=True), "rules", len(problems), unit="question"):
        for name, (pairs, reason, reasons) in zip(names, found, strict=True):
            dropped[name] += reasons
            refused[name].update([reason] if reason else [])
            kept = 0
            for question, solutions in pairs:
                plain = normalized(question, numbers=True)
                if plain in seen or benchmarks.find(question):
                    dropped[name]["duplicate" if plain in seen else "contaminated"] += 1
                    continue
                seen.add(plain)
                for path, solution in enumerate(solutions):
                    rows.append(_row(problem, name, kept, path, question, solution, parameters))
                kept += 1
            giving[name] += kept > 0
    if not rows:
        reasons = {name: dict(count) for name, count in refused.items()}
        raise InputError(
            f"no pair is left of {len(read)} questions (refused: {reasons}); give more rows of GSM8K's train split"
        )
    report = {
        "kind": "rules",
        "generator": GENERATOR,
        "terms": "made by rules from GSM8K alone",
        "rules_version": RULES_VERSION,
        "seed": seed,
        "source": {"file": source.name, "sha256": file_sha256(source), "rows": len(read)},
        "against": benchmarks.report(),
        "strategies": {
            name: _counts(name, counts[name], len(read), refused[name], giving[name], dropped[name], rows)
            for name in names
        },
    }
    return write_run(out, rows, report)


def _row(
    problem: Problem, strategy: str, question_index: int, path_index: int, question: str, solution: str,
    parameters: str,
) -> dict:  # fmt: skip
    """A row of the dataset, with the columns of source.SCHEMA."""
    final = answer(solution)
    assert final is not None, "every strategy verifies its pairs"
    return {
        "query": question,
        "response": solution,
        "answer": number_text(final),
        "strategy": strategy,
        "source_index": problem.index,
        "question_index": question_index,
        "path_index": path_index,
        "agreement": None,
        "margin": None,
        "generator": GENERATOR,
        "parameters": parameters,
    }


def _counts(
    name: str, most: int, read: int, refused: Counter[str], giving: int, dropped: Counter[str], rows: list[dict]
) -> dict:
    """A strategy's part of the report. All reasons are in it, in the order of their definition."""
    meanings = meanings_of(name)
    kept = sum(row["strategy"] == name and row["path_index"] == 0 for row in rows)
    assert set(refused) <= set(meanings["refused"]) and set(dropped) <= set(meanings["dropped"]), (refused, dropped)
    return {
        "per_question": most,
        "sources": {
            "read": read,
            "refused": {reason: refused[reason] for reason in meanings["refused"]},
            "accepted": read - refused.total(),
            "with_a_pair": giving,
        },
        "questions": {
            "made": dropped.total() + kept,
            "dropped": {reason: dropped[reason] for reason in meanings["dropped"]},
            "kept": kept,
        },
        "rows": sum(row["strategy"] == name for row in rows),
    }


def meanings_of(name: str) -> dict[str, dict[str, str]]:
    """{"refused": {reason: meaning}, "dropped": {reason: meaning}} of a strategy."""
    module = MODULES[name]
    return {"refused": REFUSED | module.REFUSED, "dropped": module.DROPPED | DROPPED}


def _augment_all(problems: list[Problem], seed: int, counts: dict[str, int], workers: int) -> Iterator[Made]:
    """Yield what the strategies make of every problem, in order.

    Worker processes ignore the signals that stop this process: a worker that ends in the middle of a task would leave
    the pool waiting. They end with the pool, or soon after this process has died.
    """
    with ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(os.getpid(), problems)) as pool:
        try:
            size = len(problems)
            yield from pool.map(_augment, range(size), [seed] * size, [counts] * size, chunksize=32)
        finally:
            pool.shutdown(cancel_futures=True)


@cache
def _sources() -> list[Problem]:
    """The sources that this worker process was given. Filled by ``_start_worker``."""
    return []


def _start_worker(parent: int, problems: list[Problem]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    follow_parent(parent)
    _sources().extend(problems)


def _augment(index: int, seed: int, counts: dict[str, int]) -> Made:
    problems = _sources()
    found: Made = []
    for name, count in counts.items():
        pairs, reason, dropped = MODULES[name].augment(problems[index], seed, count, problems)
        found.append(([pair._replace(solutions=_paths(pair)) for pair in pairs], reason, dropped))
    return found


def _paths(pair: Pair) -> tuple[str, ...]:
    """The solutions of a pair, and the main one's steps in other orders, at most MOST_PATHS in all."""
    return tuple(dict.fromkeys([*pair.solutions, *orders(pair.solutions[0])]))[:MOST_PATHS]
