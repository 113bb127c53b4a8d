"""What the demo computes, as plain functions from text to dicts that JSON can hold. No gradio, no HTML, no model.

The page and the API are both thin around these. A user's mistake, or a part that is not there, is
``{"error": one line}``; every other key is documented in README.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import wraps

import searched
from tree import expression, read_tree

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.dataset_builder.puzzle import MAX_NUMBERS, parse_puzzle, symbolic_prompt
from arith_puzzle.dataset_builder.solver.solve import MAX_EXACT_NUMBERS, default_bound
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import normalize
from arith_puzzle.metrics.arith_puzzle_verifier.verify import NUMBER, REASONS, Step, parse_equation, trace, verify

MAX_INPUT_CHARS = 300
"""Longest text of the numbers, or of the target: 15 numbers near 10^9 need under 200."""
MAX_STEPS = 20
"""Most lines shown of an answer; a puzzle needs 14 at most."""
MAX_ANSWER_CHARS = 20_000
"""Longest answer read as prose; one in the strict form ends at the verifier's own bound."""
COUNT_CAP = 200
"""Solutions are counted up to this many."""
NO_ANSWER = "Wrong. The search did not come to an end, so there is no answer to judge."
MAX_SAMPLES = 16
MAX_TEMPERATURE = 2.0

Search = Callable[..., tuple[list, bool | None]]
"""``workers.Workers``: (job, *arguments) -> what it gave, and whether that is all: None if time ran out."""


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
def judge(numbers: object, target: object, answer: object, prose: bool = False) -> dict:
    """The verdict on an answer, and the answer line by line with the numbers left after each line.

    Args:
        prose: also read the answer leniently, if its form is what is wrong: the key ``lenient``, else None.
    """
    given, goal = read_puzzle(numbers, target)
    answer = str(answer or "")
    result = judged(given, goal, answer) | {"lenient": None}
    if prose and len(answer) <= MAX_ANSWER_CHARS and not result["correct"]:
        strict = normalize(answer)
        result["lenient"] = judged(given, goal, strict) if strict != answer else None
    return result


@calm
def ask(
    numbers: object, target: object, samples: object, temperature: object, seed: object,
    draw: Callable[[str, int, int, float, int], list[str]], form: str = "symbolic",
) -> dict:  # fmt: skip
    """As ``judge``, of the first answer that ``draw(prompt, equations, samples, temperature, seed)`` gives.

    Args:
        form: a key of FORMATS: how the model is asked, and which part of what it writes is judged.

    Returns:
        also ``samples``: every distinct answer judged, the commonest first, with ``times``; and ``right``, ``drawn``.
        Of a model that searches also the keys of ``answered``, in each of the samples too.
    """
    given, goal = read_puzzle(numbers, target)
    count = _between(samples, 1, MAX_SAMPLES, "samples", int)
    heat = _between(temperature, 0, MAX_TEMPERATURE, "temperature", float)
    fixed = _between(seed, 0, 2**31 - 1, "seed", int)
    texts = draw(FORMATS[form].prompt(given, goal), len(given) - 1, count, heat, fixed)
    drawn = [answered(given, goal, text, form) for text in texts]
    # several searches can lead to one answer: the first of them is shown
    first = {item["answer"]: item for item in reversed(drawn)}
    times = Counter(item["answer"] for item in drawn)
    found = [first[answer] | {"times": count} for answer, count in times.most_common()]
    right = sum(item["correct"] for item in drawn)
    return drawn[0] | {"samples": found, "right": right, "drawn": len(drawn)}


def watch(numbers: list[int], target: int, texts: Iterator[str], form: str = "symbolic") -> Iterator[dict]:
    """A model's answer as it grows, judged after each line: ``answered``, and ``done`` when it is whole.

    Before that the verdict is that of the lines so far; only what is whole can be ``correct``.
    """
    for text in texts:
        last = answered(numbers, target, text, form) | {"done": False}
        yield last
    yield last | {"done": True}


def answered(numbers: list[int], target: int, text: str, form: str) -> dict:
    """``judged`` of the strict part of what a model wrote.

    Of a model that searches also ``raw``, all that it wrote, and ``search``: {"attempts", "ended"}. A
    search that has not ended has no answer, unless it is one itself: as when the model is scored.
    """
    result = judged(numbers, target, FORMATS[form].strict(text))
    if form != searched.FORMAT:
        return result
    search = searched.Search.of(text)
    if not search.ended and not result["correct"]:
        result = judged(numbers, target, "") | {"verdict": NO_ANSWER}
    counts = {"attempts": search.attempts, "ended": search.ended}
    return result | {"raw": text, "search": counts}


@calm
def solve(numbers: object, target: object, search: Search) -> dict:
    """A solution and how many there are, or that there is none."""
    given, goal = read_puzzle(numbers, target)
    if len(given) > MAX_EXACT_NUMBERS:
        raise InputError(f"exact solving ends at {MAX_EXACT_NUMBERS} numbers; this puzzle has {len(given)}")
    bound = default_bound(given, goal)
    found, complete = search("solve", given, goal, COUNT_CAP)
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
        "expression": expression(read_tree(given, found[0])) if found else None,
        "solutions": found,
        "count": len(found),
        "complete": bool(complete),
        "bound": bound,
        "verdict": sentence,
        "steps": _steps(given, found[0])[0] if found else [],
    }


@calm
def nearest(numbers: object, target: object, search: Search) -> dict:
    """For a puzzle without solution: the reachable number next to its target, and how; None where none is near."""
    given, goal = read_puzzle(numbers, target)
    found, _ = search("nearest", given, goal)
    near, text = found[0] if found else (None, None)
    return {**_puzzle(given, goal), "nearest": near, "solution": text}


def facts(
    numbers: list[int], target: int, *, source: str, solutions: int | None = None, difficulty: float | None = None
) -> dict:
    """A puzzle to play. difficulty: -log10 of the share of all play-outs that reach the target, as in the dataset."""
    return {
        **_puzzle(numbers, target),
        "source": source,
        "num_solutions": solutions,
        "difficulty": None if difficulty is None else round(difficulty, 3),
        "one_in": None if difficulty is None else max(1, round(10**difficulty)),
    }


def judged(numbers: list[int], target: int, answer: str) -> dict:
    """One answer: the verdict, and every line's own."""
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
            "message": _why(step),
            "left": ",".join(map(str, step.pool)),
        }
        for step in steps[:MAX_STEPS]
    ]
    return shown, len(steps) - len(shown)


def _why(step: Step) -> str:
    """Why a line is right or wrong, with what would be right where it is only the arithmetic."""
    if step.reason == "ok":
        return "holds"
    if step.reason != "wrong_result":
        return REASONS[step.reason]
    a, op, b, _ = parse_equation(step.text)
    value = {"+": a + b, "-": a - b, "*": a * b}[op] if op != "/" else a // b  # exact, else it had another reason
    return f"{REASONS[step.reason]}: {a}{op}{b} is {value}"[:MAX_INPUT_CHARS]


def _between(value: object, low: float, high: float, name: str, kind: type) -> float:
    try:
        number = kind(value)
        if isinstance(value, bool) or number != float(value) or not low <= number <= high:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        whole = "whole numbers" if kind is int else "numbers"
        raise InputError(f"{name} takes {whole} from {low} to {high}; got {str(value)[:30]!r}") from None
    return number
