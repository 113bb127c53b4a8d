"""Measure a model on the rows' own solutions: how likely they are, and which of their steps the model gets right.

Nearly all answers of a small model are wrong, so accuracy cannot tell two of them apart. These two measures can
(``arith-puzzle score --task gsm8k --gold``):

- The log-likelihood of the solutions: the model reads each solution once, and every token is predicted from the tokens
  before it. The mean is over the tokens of all solutions, eos included.
- The steps: a line of a solution with an annotation, ``<<48/2=24>>``, is a step. The model gets the question and the
  lines before the step, and writes one line. The step is right if the line's last annotation, or without one its last
  number, has the value of the step's last annotation. So a step that is right but comes in another order is wrong.

A solution's tokens and steps depend on each other, so the intervals are those of a ratio of sums over rows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256, write_text
from arith_puzzle.evaluation.decoding import Decoding
from arith_puzzle.evaluation.generations import Generations
from arith_puzzle.evaluation.prompting import Prompting

if TYPE_CHECKING:
    from arith_puzzle.evaluation.backends import TransformersBackend

LINE_TOKENS = 96
"""Maximum length of a generated step, in tokens. A step of GSM8K has about 30."""
Z = 1.959963984540054
"""Quantile of the normal distribution for 95% intervals."""
_ANNOTATION = re.compile(r"<<[^<>]*?=([^<>=]*)>>")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?|-?\.\d+")


def steps_of(solution: str) -> list[tuple[str, Fraction]]:
    """(the lines before a step, its value) of every step of a solution. Values that are no number are left out."""
    found, lines = [], solution.split("\n")
    for place, line in enumerate(lines):
        if (annotated := _ANNOTATION.findall(line)) and (value := _value(annotated[-1])) is not None:
            found.append(("".join(f"{earlier}\n" for earlier in lines[:place]), value))
    return found


def is_right(line: str, value: Fraction) -> bool:
    """Whether a generated line has the value of the step."""
    found = _ANNOTATION.findall(line) or _NUMBER.findall(line)
    return bool(found) and _value(found[-1]) == value


def _value(text: str) -> Fraction | None:
    text = text.replace(",", "").strip().lstrip("$").rstrip("%.")
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def measure_gold(
    backend: TransformersBackend, prompting: Prompting, rows: Sequence[dict], out: Path, split: str, *, batch: int
) -> dict:
    """Measure the solutions of ``rows``.

    Args:
        out, split: the folder and the names of two JSONL files: ``steps-<split>.jsonl`` gets the generated steps, and
            an interrupted run resumes from it; ``likelihoods-<split>.jsonl`` gets [log-likelihood, tokens] of each
            solution, for comparisons (`compare_likelihoods`).
        batch: number of steps, and maximum number of solutions, in a batch.

    Returns:
        {"rows", "tokens", "log_likelihood" (nats a token), "log_likelihood_ci95", "steps", "steps_right",
        "steps_right_ci95", "steps_sha256", "likelihoods_sha256"}. Without a step "steps" is 0, its shares are None, and
        its file is empty.

    Raises:
        InputError: a solution does not fit the tokenizer, or the disk is full.
    """
    prompts = [prompting.text(row) for row in rows]
    solutions = [prompting.task.solution(row) for row in rows]
    sums = backend.log_likelihoods(prompts, solutions, batch)
    tokens = [count for _, count in sums]
    mean, interval = _ratio([total for total, _ in sums], tokens)
    write_text(out / f"likelihoods-{split}.jsonl", "".join(f"{json.dumps([total, count])}\n" for total, count in sums))
    path = out / f"steps-{split}.jsonl"
    right, asked = _steps(backend, prompting, prompts, solutions, path, batch)
    share, share_interval = _ratio(right, asked) if sum(asked) else (None, None)
    return {
        "rows": len(rows),
        "tokens": sum(tokens),
        "log_likelihood": mean,
        "log_likelihood_ci95": interval,
        "steps": sum(asked),
        "steps_right": share,
        "steps_right_ci95": share_interval and [max(0.0, share_interval[0]), min(1.0, share_interval[1])],
        "steps_sha256": file_sha256(path),
        "likelihoods_sha256": file_sha256(out / f"likelihoods-{split}.jsonl"),
    }


def compare_likelihoods(first: Path, second: Path) -> dict:
    """Compare two models by their files ``likelihoods-<split>.jsonl`` of the same rows.

    Returns:
        {"rows", "difference": that of the mean log-likelihoods per token, first - second, "difference_ci95", "p": of
        the two-sided test that it is 0}. The test and the interval are those of the rows' differences.

    Raises:
        InputError: the files are of other rows, or of tokenizers that split them in another way.
    """
    ours, theirs = ([json.loads(line) for line in path.read_text().splitlines()] for path in (first, second))
    tokens = [count for _, count in ours]
    if tokens != [count for _, count in theirs]:
        raise InputError(f"{first} and {second} are of other solutions or tokenizers; score both on the same rows")
    difference, interval = _ratio([a - b for (a, _), (b, _) in zip(ours, theirs, strict=True)], tokens)
    error = (interval[1] - difference) / Z
    p = math.erfc(abs(difference) / error / math.sqrt(2)) if error else float(difference == 0)
    return {"rows": len(ours), "difference": difference, "difference_ci95": interval, "p": p}


def _steps(
    backend: TransformersBackend, prompting: Prompting, prompts: list[str], solutions: list[str], path: Path, batch: int
) -> tuple[list[int], list[int]]:
    """(right steps, all steps) of each row."""
    asked = [(row, *step) for row, solution in enumerate(solutions) for step in steps_of(solution)]
    records = [{"row": row, "value": str(value)} for row, _, value in asked]
    path.touch()
    done = Generations(path, records, batch=batch, draws=1)
    decoding = Decoding(LINE_TOKENS, stop="\n")
    with tqdm(total=len(asked), initial=len(done), desc=path.stem, unit="step") as bar:
        while len(done) < len(asked):
            some = asked[len(done) : len(done) + batch]
            ids = [backend.tokenizer(prompts[row] + before)["input_ids"] for row, before, _ in some]
            done.append(backend.generate(ids, decoding, [0] * len(ids)), prompting)
            bar.update(len(some))
    right, count = [0] * len(prompts), [0] * len(prompts)
    for (row, _, value), line in zip(asked, done.answers, strict=True):
        right[row] += is_right(line, value)
        count[row] += 1
    return right, count


def _ratio(values: Sequence[float], sizes: Sequence[float]) -> tuple[float, list[float]]:
    """sum(values) / sum(sizes) and its 95% interval, for rows drawn at random (Cochran 1977, section 2.11)."""
    n, total = len(values), sum(sizes)
    ratio = sum(values) / total
    squares = sum((value - ratio * size) ** 2 for value, size in zip(values, sizes, strict=True))
    half = Z * math.sqrt(squares * n / max(1, n - 1)) / total
    return ratio, [ratio - half, ratio + half]
