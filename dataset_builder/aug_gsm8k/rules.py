"""The generator that uses exact rules and no model: change the numbers of a question and recompute its solution."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from math import prod
from pathlib import Path

from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256
from arith_puzzle.common.processes import follow_parent
from arith_puzzle.dataset_builder.aug_gsm8k.chain import REFUSED_SOURCES, Program, RefusedError, compile_problem
from arith_puzzle.dataset_builder.aug_gsm8k.contamination import Benchmarks, normalized
from arith_puzzle.dataset_builder.aug_gsm8k.numerals import Numeral
from arith_puzzle.dataset_builder.aug_gsm8k.responses import plain_equations
from arith_puzzle.dataset_builder.aug_gsm8k.runs import Run, write_run
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text, read_problems
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotations, evaluate_expression
from arith_puzzle.metrics.gsm8k_answer.score import answer

RULES_VERSION = 1
GENERATOR = "rules"
STRATEGY = "change_numbers"
ATTEMPTS = 40
"""Maximum number of draws per wanted new question."""
GROWTH = 4
"""Largest factor by which a result may grow or shrink."""

DROPPED_DRAWS = {
    "unwritable": "a number has too many decimals for GSM8K's style",
    "same": "the numbers equal those of the source or of an earlier draw",
    "order": "two numbers of the question, or two results, change their order",
    "not_whole": "a result has more decimals than in the source",
    "unreal": "a number becomes 1; or a result becomes 0, 1 or negative, changes by more than a factor of four, or is a"
    " share above one",
    "unverified": "an annotation is not exactly right, another equation of the source does not hold in the pair, or the"
    " answer is not the last result",
    "duplicate": "another source gives the same question",
    "contaminated": "shares 13 words in a row with a test question, or equals one up to its numbers",
}
"""Reason why a draw is dropped -> its meaning."""

_COMPARES = re.compile(
    r"\b(?:most|least|larg\w+|small\w+|bigg\w+|high\w+|low\w+|cheap\w+|few\w+|max\w*|min\w*|enough|whichever|better|"
    r"worse|fast\w+|slow\w+|long\w+|short\w+|old\w+|young\w+|tall\w+|heav\w+|light\w+|great\w+|exceed\w*|limit)\b",
    re.IGNORECASE,
)


def run(
    source: Path, out: Path, *, limit: int | None, against: dict[str, Path], seed: int, per_question: int,
    workers: int = 2,
) -> Run:  # fmt: skip
    """Make up to ``per_question`` verified pairs for each source that has a program, and write the run's folder.

    A pair is a pure function of (RULES_VERSION, seed, source index, attempt). So the files do not depend on
    ``workers``.

    Args:
        source: GSM8K's train split, JSONL.
        out: folder of the run.
        limit: maximum number of source rows; None uses all.
        against: {benchmark: file}, see ``contamination.BENCHMARKS``.
        seed: seed of all draws.
        per_question: maximum number of new questions from each source.
        workers: number of processes.

    Raises:
        InputError: bad input, or no source gives a pair.
    """
    if per_question < 1:
        raise InputError(f"--per-question must be at least 1, not {per_question}")
    problems = read_problems(source, limit)
    benchmarks = Benchmarks(against)
    refused: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    rows: list[dict] = []
    seen: set[str] = {normalized(problem.query, numbers=True) for problem in problems}
    giving = 0
    parameters = json.dumps({"rules_version": RULES_VERSION, "seed": seed}, sort_keys=True)
    made = _augment_all(problems, seed, per_question, workers)
    for problem, (pairs, reason, reasons) in tqdm(
        zip(problems, made, strict=True), "rules", len(problems), unit="question"
    ):
        dropped += reasons
        if reason:
            refused[reason] += 1
            continue
        kept = 0
        for question, solution in pairs:
            plain = normalized(question, numbers=True)
            if plain in seen or benchmarks.find(question):
                dropped["duplicate" if plain in seen else "contaminated"] += 1
                continue
            seen.add(plain)
            final = answer(solution)
            assert final is not None, "augment verifies the answer of every pair"
            rows.append(
                {
                    "query": question,
                    "response": solution,
                    "answer": number_text(final),
                    "strategy": STRATEGY,
                    "source_index": problem.index,
                    "question_index": kept,
                    "path_index": 0,
                    "agreement": None,
                    "margin": None,
                    "generator": GENERATOR,
                    "parameters": parameters,
                }
            )
            kept += 1
        giving += kept > 0
    if not rows:
        raise InputError(
            f"no pair is left of {len(problems)} questions (refused: {dict(refused)}); give more rows of GSM8K's train"
            " split"
        )
    report = {
        "kind": "rules",
        "generator": GENERATOR,
        "terms": "made by rules from GSM8K alone",
        "rules_version": RULES_VERSION,
        "seed": seed,
        "per_question": per_question,
        "source": {"file": source.name, "sha256": file_sha256(source), "rows": len(problems)},
        "against": benchmarks.report(),
        "sources": {
            "read": len(problems),
            "refused": {reason: refused[reason] for reason in REFUSED_SOURCES},
            "with_a_program": len(problems) - refused.total(),
            "with_a_pair": giving,
        },
        "draws": {
            "made": dropped.total() + len(rows),
            "dropped": {reason: dropped[reason] for reason in DROPPED_DRAWS},
            "kept": len(rows),
        },
    }
    return write_run(out, rows, report)


def _augment_all(problems: list[Problem], seed: int, count: int, workers: int) -> Iterator[tuple]:
    """Yield ``augment`` of every problem in order. Worker processes ignore Ctrl-C, so that only this process ends."""
    with ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(os.getpid(),)) as pool:
        try:
            yield from pool.map(augment, problems, [seed] * len(problems), [count] * len(problems), chunksize=32)
        finally:
            pool.shutdown(cancel_futures=True)


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow_parent(parent)


def augment(problem: Problem, seed: int, count: int) -> tuple[list[tuple[str, str]], str | None, Counter[str]]:
    """Make up to ``count`` pairs from one source.

    Returns:
        (pairs of question and solution, None or a key of REFUSED_SOURCES, number of dropped draws by reason).
    """
    dropped: Counter[str] = Counter()
    try:
        program = compile_problem(problem)
    except RefusedError as refused:
        return [], str(refused), dropped
    before = {index: program.numerals[index].value for index in program.variables}
    seen = {tuple(before.values())}
    possible = prod(len(_grid(program.numerals[index])) for index in program.variables)
    ordered = bool(_COMPARES.search(problem.query))
    pairs: list[tuple[str, str]] = []
    for attempt in range(ATTEMPTS * count):
        values = _draw(program, Draws(RULES_VERSION, seed, problem.index, attempt))
        reason, pair = "same", None
        if tuple(values.values()) not in seen:
            seen.add(tuple(values.values()))
            reason, pair = _play(program, values, ordered)
        if pair:
            pairs.append(pair)
        else:
            dropped[reason] += 1
        if len(pairs) == count or len(seen) == possible:
            break
    return pairs, None, dropped


def _draw(program: Program, draws: Draws) -> dict[int, Fraction]:
    """Random new values for all variables."""
    grids = {index: _grid(program.numerals[index]) for index in program.variables}
    return {index: program.numerals[index].quantum * grid[draws.below(len(grid))] for index, grid in grids.items()}


def _grid(numeral: Numeral) -> range:
    """The possible new values of a number, in units of its quantum."""
    return range(int(-(-numeral.low // numeral.quantum)), int(numeral.high // numeral.quantum) + 1)


def _play(program: Program, values: dict[int, Fraction], ordered: bool) -> tuple[str, tuple[str, str] | None]:
    """Recompute the problem and check the pair: ("", pair), or (a key of DROPPED_DRAWS, None).

    If ``ordered`` is true, the question compares quantities. Then the results must keep their order too.
    """
    if 1 in values.values():
        return "unreal", None
    old = [(numeral.value, numeral.kind) for numeral in program.numerals]
    new = [(values.get(index, value), kind) for index, (value, kind) in enumerate(old)]
    if _order(old) != _order(new):
        return "order", None
    played = program.play(values)
    if isinstance(played, str):
        return played, None
    question, solution, results = played
    for step, result in zip(program.steps, results, strict=True):
        if not step.inputs:
            continue
        if _decimals(result) > _decimals(step.value):
            return "not_whole", None
        if (result == 1) != (step.value == 1) or (result > 0) != (step.value > 0) or (result < 1) != (step.value < 1):
            return "unreal", None
        if step.value and not Fraction(1, GROWTH) <= result / step.value <= GROWTH:
            return "unreal", None
    if ordered:
        steps = [(step.value, "plain") for step in program.steps]
        played_steps = [(result, "plain") for result in results]
        if _order(old + steps) != _order(new + played_steps):
            return "order", None
    outcomes = check_annotations([solution])
    if outcomes.total() != outcomes["exact"] or answer(solution) != results[-1]:
        return "unverified", None
    held, hold = _held(program.problem.response), _held(solution)
    if len(held) != len(hold) or any(before and not now for before, now in zip(held, hold, strict=True)):
        return "unverified", None
    return "", (question, solution)


def _held(solution: str) -> list[bool]:
    """For each equation outside the annotations, whether it holds."""
    return [
        evaluate_expression(left) == evaluate_expression(right.removesuffix("."))
        for left, right in plain_equations(solution)
    ]


def _order(values: list[tuple[Fraction, str]]) -> list[tuple[bool, bool]]:
    """Comparisons of all pairs of values, where percentages are compared only with percentages."""
    return [
        (a > b, a == b)
        for index, (a, kind) in enumerate(values)
        for b, other in values[:index]
        if (kind == "percent") == (other == "percent")
    ]


def _decimals(value: Fraction) -> int:
    """Number of decimals; 99 if there is no finite decimal form of at most 12 decimals."""
    return next((places for places in range(13) if (value * 10**places).denominator == 1), 99)
