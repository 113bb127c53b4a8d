"""What the demo computes, as plain functions from text to dicts that JSON can hold. No gradio, no HTML, no model.

The page and the API are both thin around these. A user's mistake, or a part that is not there, is
``{"error": one line}``; every other key is documented in README.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps

from dataset_builder.errors import InputError
from dataset_builder.puzzle import MAX_NUMBERS, parse_puzzle, symbolic_prompt
from dataset_builder.solve import MAX_EXACT_NUMBERS, default_bound
from metrics.arith_puzzle_verifier.verify import NUMBER, REASONS, trace, verify

MAX_INPUT_CHARS = 300
"""Longest text of the numbers, or of the target: 15 numbers near 10^9 need under 200."""
MAX_STEPS = 20
"""Most lines shown of an answer; a puzzle needs 14 at most."""
COUNT_CAP = 200
"""Solutions are counted up to this many."""

Search = Callable[[list[int], int, int], tuple[list[str], bool | None]]
"""(numbers, target, cap) -> up to cap solutions, and whether these are all: None if time ran out."""


class Unavailable(RuntimeError):
    """A part of the demo that is not there now; the message is one calm line."""


def calm(function: Callable[..., dict]) -> Callable[..., dict]:
    """InputError and Unavailable become ``{"error": line}``."""

    @wraps(function)
    def answered(*args, **kwargs) -> dict:
        try:
            return function(*args, **kwargs)
        except (InputError, Unavailable) as error:
            return {"error": str(error)}

    return answered


def read_puzzle(numbers: object, target: object) -> tuple[list[int], int]:
    """What a visitor typed, or an API caller sent, as sorted numbers and a target.

    Args:
        numbers: text with commas or spaces between, or a list.
        target: text or an integer.

    Raises:
        InputError: no puzzle, or one beyond the limits of ``parse_puzzle``.
    """
    text = ",".join(map(str, numbers[: MAX_NUMBERS + 1])) if isinstance(numbers, list) else str(numbers or "")
    goal = "" if target is None else str(target).strip()
    if max(len(text), len(goal)) > MAX_INPUT_CHARS:
        raise InputError(f"numbers and target have at most {MAX_INPUT_CHARS} characters; shorten them")
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    if not parts:
        raise InputError(f"write 2 to {MAX_NUMBERS} numbers with commas between, such as 3,6,7,51,58")
    for part in parts:
        if not re.fullmatch(NUMBER, part):
            raise InputError(f"numbers are whole numbers with commas between, such as 3,6,7,51,58; got {part[:30]!r}")
    if not re.fullmatch(NUMBER, goal):
        raise InputError(f"the target is one whole number, such as 4; got {goal[:30]!r}")
    return parse_puzzle(f"{','.join(parts)}:{goal}")


@calm
def judge(numbers: object, target: object, answer: str) -> dict:
    """The verdict on an answer, and the answer line by line with the numbers left after each line."""
    return _judged(*read_puzzle(numbers, target), answer)


@calm
def ask(numbers: object, target: object, answer: Callable[[str, int], str]) -> dict:
    """As ``judge``, of the answer that ``answer(prompt, equations needed)`` gives.

    Raises:
        nothing: ``answer`` may raise Unavailable, which becomes the error line.
    """
    given, goal = read_puzzle(numbers, target)
    return _judged(given, goal, answer(symbolic_prompt(given, goal), len(given) - 1))


@calm
def solve(numbers: object, target: object, search: Search) -> dict:
    """A solution and how many there are, or that there is none."""
    given, goal = read_puzzle(numbers, target)
    if len(given) > MAX_EXACT_NUMBERS:
        raise InputError(f"exact solving ends at {MAX_EXACT_NUMBERS} numbers; this puzzle has {len(given)}")
    bound = default_bound(given, goal)
    found, complete = search(given, goal, COUNT_CAP)
    solvable = True if found else (False if complete else None)
    count = f"{len(found)} solution{'s' if len(found) != 1 else ''}"
    within = f"with |intermediate| ≤ {bound}"
    if solvable:
        all_of_them = f"There {'are' if len(found) != 1 else 'is'} exactly {count} {within}."
        limit = f"counting ends at {COUNT_CAP}" if complete is False else "counting ended when its time was up"
        sentence = all_of_them if complete else f"There are at least {count} {within}; {limit}."
    elif complete:
        sentence = f"There is no solution {within}: all ways were tried."
    else:
        sentence = "The search took too long and was ended; whether there is a solution stays open."
    return {
        **_puzzle(given, goal),
        "solvable": solvable,
        "solution": found[0] if found else None,
        "count": len(found),
        "complete": bool(complete),
        "bound": bound,
        "verdict": sentence,
        "steps": _steps(given, found[0])[0] if found else [],
    }


@calm
def sample(row: Callable[[], dict]) -> dict:
    """A puzzle from ``row()``, which returns ``numbers`` and ``target`` or raises Unavailable."""
    given = row()
    return _puzzle(sorted(given["numbers"]), given["target"])


def _puzzle(numbers: Sequence[int], target: int) -> dict:
    return {
        "puzzle": symbolic_prompt(numbers, target).removesuffix("\n"),
        "numbers": list(numbers),
        "target": target,
    }


def _steps(numbers: Sequence[int], answer: str) -> tuple[list[dict], int]:
    """The lines shown, and how many more there are. ``left`` is text: results may exceed what JSON numbers hold."""
    steps = trace(numbers, answer)
    shown = [
        {
            "line": step.line,
            "text": step.text,
            "correct": step.reason == "ok",
            "reason": step.reason,
            "message": "holds" if step.reason == "ok" else REASONS[step.reason],
            "left": ",".join(map(str, step.pool)),
        }
        for step in steps[:MAX_STEPS]
    ]
    return shown, len(steps) - len(shown)


def _judged(numbers: list[int], target: int, answer: str) -> dict:
    answer = str(answer or "")
    verdict = verify(numbers, target, answer)
    steps, more = _steps(numbers, answer)
    sentence = verdict.message[0].upper() + verdict.message[1:] + "."
    if verdict.reason == "wrong_equation_count":
        sentence += f" Here: {len(numbers)} numbers, {len(steps) + more} equations."
    return {
        **_puzzle(numbers, target),
        "answer": answer[: 2 * MAX_INPUT_CHARS] if verdict.reason == "too_long" else answer,
        "correct": verdict.correct,
        "reason": verdict.reason,
        "line": verdict.line,
        "verdict": sentence if verdict.correct else f"Wrong. {sentence}",
        "steps": steps,
        "more_steps": more,
    }
