"""What the demo computes: plain functions from text to JSON-ready dicts, without Gradio, HTML or the model.

The page and the API are thin wrappers of these functions. For bad input, or if a part of the demo is missing, the
result is ``{"error": one line}``. README.md documents all other keys.
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
from arith_puzzle.dataset_builder.puzzle import MAX_NUMBERS, completion, parse_puzzle, symbolic_prompt
from arith_puzzle.dataset_builder.solver.solve import MAX_EXACT_NUMBERS, default_bound
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import normalize
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    NUMBER,
    REASONS,
    Step,
    parse_equation,
    to_equations,
    trace,
    verify,
)

MAX_INPUT_CHARS = 300
"""Most characters of the numbers, and of the target: 15 numbers near 10^9 need fewer than 200."""
MAX_STEPS = 20
"""Most lines of an answer that are shown; a solution has at most 14."""
MAX_ANSWER_CHARS = 20_000
"""Most characters of an answer that is read as free text. Strict answers have the verifier's own limit."""
COUNT_CAP = 200
"""Counting of solutions stops at this number."""
NO_ANSWER = "Wrong. The search did not end, so there is no answer to check."
STOPPED = "You stopped the model"
MAX_SAMPLES = 16
MAX_TEMPERATURE = 2.0

Rules = dict[str, str]
"""The options ``rule``, ``division`` and ``form`` of ``verify``; empty for the paper's."""
Search = Callable[..., tuple[list, bool | None]]
"""As ``workers.Workers``: (job, *arguments) -> (results, complete). ``complete`` is None if time ran out."""


class Unavailable(RuntimeError):
    """A part of the demo is missing or busy. The message is one line for the visitor."""


def calm(function: Callable[..., dict]) -> Callable[..., dict]:
    """Decorator: the function returns ``{"error": line}`` instead of raising InputError or Unavailable."""

    @wraps(function)
    def answered(*args, **kwargs) -> dict:
        try:
            return function(*args, **kwargs)
        except (InputError, Unavailable) as error:
            return {"error": str(error)}

    return answered


def read_puzzle(numbers: object, target: object) -> tuple[list[int], int]:
    """Parse the numbers and the target that a visitor typed or an API caller sent. Returns the numbers sorted.

    Args:
        numbers: text with commas or spaces between the numbers, or a list.
        target: text or an integer.

    Raises:
        InputError: this is no puzzle, or it exceeds the limits of ``parse_puzzle``.
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
def judge(numbers: object, target: object, answer: object, prose: bool = False, rules: Rules | None = None) -> dict:
    """The verdict on an answer, and for each line the verdict and the numbers left after it.

    Args:
        prose: if the answer is wrong as written, also look for equations in it as free text. The key ``lenient`` holds
            the verdict on these, or None.
        rules: rule, division and form of ``verify``; None: the paper's. Equations are judged as such under any form.
    """
    given, goal = read_puzzle(numbers, target)
    answer, rules = str(answer or ""), dict(rules or {})
    if "=" in answer and rules.get("form") == "expression":  # a game on the board
        rules |= {"form": "equations", "division": "exact" if rules["division"] == "rational" else rules["division"]}
    result = judged(given, goal, answer, rules) | {"lenient": None}
    if prose and len(answer) <= MAX_ANSWER_CHARS and not result["correct"]:
        strict = normalize(answer, form=rules.get("form", "equations"))
        result["lenient"] = judged(given, goal, strict, rules) if strict != answer else None
    return result


@calm
def ask(
    numbers: object, target: object, samples: object, temperature: object, seed: object,
    draw: Callable[[str, int, int, float, int], list[str]], form: str = "symbolic", rules: Rules | None = None,
) -> dict:  # fmt: skip
    """Ask a model for answers to a puzzle, and judge them.

    Args:
        draw: the model, as a function ``draw(prompt, equations, samples, temperature, seed)``.
        form: a key of FORMATS. It decides the prompt, and which part of the model's text is the answer.
        rules: as for ``judge``.

    Returns:
        The keys of ``answered`` for the first answer; ``samples``: all distinct answers judged, the most frequent
        first, each with its count ``times``; ``drawn``: the number of answers; ``right``: how many are correct.
    """
    given, goal = read_puzzle(numbers, target)
    count = _between(samples, 1, MAX_SAMPLES, "samples", int)
    heat = _between(temperature, 0, MAX_TEMPERATURE, "temperature", float)
    fixed = _between(seed, 0, 2**31 - 1, "seed", int)
    texts = draw(question(given, goal, form, rules), len(given) - 1, count, heat, fixed)
    drawn = [answered(given, goal, text, form, rules) for text in texts]
    # Several searches can lead to the same answer. Show the first of them.
    first = {item["answer"]: item for item in reversed(drawn)}
    times = Counter(item["answer"] for item in drawn)
    found = [first[answer] | {"times": count} for answer, count in times.most_common()]
    right = sum(item["correct"] for item in drawn)
    return drawn[0] | {"samples": found, "right": right, "drawn": len(drawn)}


def question(numbers: list[int], target: int, form: str, rules: Rules | None = None) -> str:
    """The prompt of a puzzle; ``form`` is a key of FORMATS."""
    return FORMATS[form].question({"numbers": numbers, "target": target, **(rules or {})})


def watch(
    numbers: list[int], target: int, texts: Iterator[str], form: str = "symbolic", rules: Rules | None = None
) -> Iterator[dict]:
    """Judge a model's answer while it grows.

    Args:
        texts: the model's text so far, again and again; the last is the whole text.

    Yields:
        The keys of ``answered`` for each text, with ``done``: whether the answer is complete. Until then the verdict is
        about the lines so far.
    """
    for text in texts:
        last = answered(numbers, target, text, form, rules) | {"done": False}
        yield last
    yield last | {"done": True}


def answered(numbers: list[int], target: int, text: str, form: str, rules: Rules | None = None) -> dict:
    """Judge the answer within a model's text.

    Returns:
        The keys of ``judged``. For a model that searches also ``raw``, its whole text, and ``search``: {"attempts",
        "ended"}. If the search has not ended, there is no answer, unless the text itself is a correct one. The scores
        of the models are computed by the same rule.
    """
    result = judged(numbers, target, FORMATS[form].strict(text), rules)
    if form != searched.FORMAT:
        return result
    search = searched.Search.of(text)
    if not search.ended and not result["correct"]:
        result = judged(numbers, target, "") | {"verdict": NO_ANSWER}
    counts = {"attempts": len(search.attempts), "ended": search.ended}
    return result | {"raw": text, "search": counts}


@calm
def solve(numbers: object, target: object, search: Search, rules: Rules | None = None) -> dict:
    """A solution of a puzzle and the number of solutions, or the proof that there is none."""
    given, goal = read_puzzle(numbers, target)
    if len(given) > MAX_EXACT_NUMBERS:
        raise InputError(f"the solver takes at most {MAX_EXACT_NUMBERS} numbers; this puzzle has {len(given)}")
    bound = default_bound(given, goal)
    found, complete = search("solve", given, goal, COUNT_CAP, rules or {})
    solvable = True if found else (False if complete else None)
    count = f"{len(found)} solution{'s' if len(found) != 1 else ''}"
    within = f"with intermediate results from -{bound} to {bound}"
    if solvable:
        all_of_them = f"There {'are' if len(found) != 1 else 'is'} exactly {count} {within}."
        limit = f"counting stops at {COUNT_CAP}" if complete is False else "counting ran out of time"
        sentence = all_of_them if complete else f"There are at least {count} {within}; {limit}."
    elif complete:
        sentence = f"There is no solution {within}: all possibilities were tried."
    else:
        sentence = "The search ran out of time. It is not known whether there is a solution."
    return {
        **_puzzle(given, goal),
        "division": (rules or {}).get("division", "exact"),
        "solvable": solvable,
        "solution": found[0] if found else None,
        "expression": expression(read_tree(given, found[0], (rules or {}).get("division", "exact"))) if found else None,
        "solutions": found,
        "count": len(found),
        "complete": bool(complete),
        "bound": bound,
        "verdict": sentence,
        "steps": _steps(given, found[0], rules or {})[0] if found else [],
    }


@calm
def nearest(numbers: object, target: object, search: Search, rules: Rules | None = None) -> dict:
    """For a puzzle without a solution: the reachable number nearest to its target, and how to reach it.

    Both are None if no number near the target can be reached.
    """
    given, goal = read_puzzle(numbers, target)
    found, _ = search("nearest", given, goal, rules or {})
    near, text = found[0] if found else (None, None)
    division = (rules or {}).get("division", "exact")
    return {**_puzzle(given, goal), "division": division, "nearest": near, "solution": text}


def facts(
    numbers: list[int], target: int, *, source: str, solutions: int | None = None, difficulty: float | None = None,
    rules: Rules | None = None,
) -> dict:  # fmt: skip
    """A puzzle to play, with what is known about it.

    Args:
        source: where the puzzle comes from.
        solutions: number of solutions.
        difficulty: the dataset's label: -log10 of the share of random games that reach the target.
        rules: as for ``judge``. The key ``rule`` tells the board whether numbers may be left out.
    """
    return {
        **_puzzle(numbers, target),
        "source": source,
        "num_solutions": solutions,
        "difficulty": None if difficulty is None else round(difficulty, 3),
        "one_in": None if difficulty is None else max(1, round(10**difficulty)),
        "rule": (rules or {}).get("rule", "all"),
    }


def judged(numbers: list[int], target: int, answer: str, rules: Rules | None = None) -> dict:
    """The verdict on an answer, and on each of its lines. An expression has a line for each operation."""
    rules = rules or {}
    verdict = verify(numbers, target, answer, **rules)
    steps, more = _steps(numbers, answer, rules)
    sentence = verdict.message[0].upper() + verdict.message[1:] + "."
    if verdict.reason == "wrong_equation_count" and rules.get("rule") != "subset":
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


def _steps(numbers: Sequence[int], answer: str, rules: Rules) -> tuple[list[dict], int]:
    """(the first MAX_STEPS lines, the number of further lines).

    ``left`` is text because results can exceed the range of JSON numbers. An expression with a fault of form, or with
    fractions, has no lines.
    """
    if rules.get("form") == "expression":
        try:
            equations = to_equations(answer, division=rules["division"])
        except ValueError:
            return [], 0
        if any(value != int(value) for *_, value in equations):
            return [], 0
        answer = completion(equations)
    steps = trace(numbers, answer, division="integer" if rules.get("division") == "integer" else "exact")
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
    """Why a line is right or wrong. If only the arithmetic is wrong, also the correct value."""
    if step.reason == "ok":
        return "holds"
    if step.reason != "wrong_result":
        return REASONS[step.reason]
    a, op, b, _ = parse_equation(step.text)
    value = (
        {"+": a + b, "-": a - b, "*": a * b}[op] if op != "/" else a // b
    )  # exact here: an inexact division has another reason
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
