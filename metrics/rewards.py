"""Reward functions for reinforcement learning, with the signature that TRL's GRPOTrainer expects.

Use ``GRPOTrainer(reward_funcs=reward, ...)`` with a dataset that has the columns ``prompt``, ``numbers`` and
``target``. To combine both rewards, use ``reward_funcs=[reward, graded_reward]`` and ``reward_weights`` in GRPOConfig.
For Countdown, the game of 24 or answers as expressions, use ``reward_for(...)`` in place of ``reward``. Both rewards
are strict; ``reward_for(lenient=True)`` and ``graded_reward_for(lenient=True)`` read what chat models write.

``reward`` is 1 for a correct response, else 0. ``graded_reward`` also gives partial credit, so that a model that solves
no puzzle yet gets a signal. Its value is the share of N checks (N-1 equations and the target) that pass before the
first fault.

Padding, repetition, early stops and text after a solution do not raise ``graded_reward``. Form and number of equations
are checked over the whole response first, and a response with such a fault earns 0. So at most N-1 equations count.

``graded_reward`` has a weakness: it does not know whether a step is useful. Any N-1 equations that hold but miss the
target earn (N-1)/N. A wrong response that begins with easy steps (``x*1``, ``x-x``) may earn more than another wrong
response. Give it a small weight beside ``reward``, and judge a run by pass@1 and not by this reward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS, Verdict, check_options, rules_of, verify

POOL_FAULTS = ("unavailable_operand", "division_by_zero", "inexact_division", "wrong_result")
"""The faults of one equation. The equations before it hold."""

PAPER_RULES = {"rule": "all", "division": "exact", "form": "equations"}

Completion = str | Sequence[dict]
"""A string, or a conversation whose last message is the answer."""


def reward(
    completions: Sequence[Completion],
    numbers: Sequence[Sequence[int]] | None = None,
    target: Sequence[int] | None = None,
    **columns,
) -> list[float]:
    """1.0 for each completion that verifies as ``ok``, else 0.0.

    Args:
        completions: C strings, or C lists of messages ``{"role", "content"}``.
        numbers: C lists of integers, the dataset's column. It may also be called ``nums``, as Countdown's.
        target: C integers, the dataset's column.
        columns: the dataset's other columns. A row with ``rule``, ``division`` and ``form`` is judged by them.

    Raises:
        ValueError: a column is missing, columns have different lengths, a puzzle is not of integers, or a completion is
            neither text nor messages. No text raises.
    """
    return [float(verdict.correct) for verdict in _verdicts(completions, numbers, target, columns)]


def reward_for(
    *, division: str | None = None, rule: str | None = None, form: str | None = None, lenient: bool = False
) -> Callable[..., list[float]]:
    """A function like ``reward`` for other rules, such as ``reward_for(rule="subset", form="expression")``.

    Args:
        division, rule, form: as in ``verify``. None: as the row states it in a column of this name, else the default.
        lenient: also accept what ``normalize`` puts into strict form: answers after ``</think>``, in ``<answer>`` or
            ``\\boxed{}``, after a search, with spaces, and so on.

    Raises:
        ValueError: an unknown division, rule or form.
    """
    stated = {"division": division, "rule": rule, "form": form}
    given: dict[str, str] = {name: value for name, value in stated.items() if value is not None}
    check_options(**given)

    def reward(completions, numbers=None, target=None, **columns):
        return [float(verdict.correct) for verdict in _verdicts(completions, numbers, target, columns, given, lenient)]

    return reward


def graded_reward(
    completions: Sequence[Completion],
    numbers: Sequence[Sequence[int]] | None = None,
    target: Sequence[int] | None = None,
    **columns,
) -> list[float]:
    """1.0 for each completion that verifies as ``ok``, else the share of N checks that pass before the first fault.

    A fault in line L earns (L-1)/N, because L-1 equations hold. ``wrong_target`` earns (N-1)/N. Faults of length,
    characters, form and count earn 0. Arguments and errors are those of ``reward``. Rows with other rules
    than the paper's raise ValueError: a wrong expression or subset has no first part that is right.
    """
    return _grades(completions, numbers, target, columns, lenient=False)


def graded_reward_for(*, lenient: bool = False) -> Callable[..., list[float]]:
    """A function like ``graded_reward``; ``lenient`` is that of ``reward_for``."""

    def graded_reward(completions, numbers=None, target=None, **columns):
        return _grades(completions, numbers, target, columns, lenient)

    return graded_reward


def completion_text(completion: Completion) -> str:
    """The text that is judged: a string itself, of a conversation the last message's text.

    Raises:
        ValueError: it is neither a string nor messages.
    """
    if isinstance(completion, str):
        return completion
    try:
        content = (completion[-1].get("content") or "") if len(completion) else ""
        if isinstance(content, str):
            return content
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    except (AttributeError, TypeError, LookupError):
        raise ValueError(f"a completion must be text or a list of messages, not {str(completion)[:60]!r}") from None


def _verdicts(completions, numbers, target, columns: dict, given=None, lenient: bool = False) -> list[Verdict]:
    numbers = columns.get("nums") if numbers is None else numbers
    if numbers is None or target is None:
        missing = "numbers (or nums)" if numbers is None else "target"
        raise ValueError(f"the dataset has no column {missing}, which the reward needs; add it, or rename the one that "
                         "it has")  # fmt: skip
    judge = verify_lenient if lenient else verify
    rows = zip(completions, numbers, target, _rules(columns, len(target)), strict=True)
    return [
        judge(*puzzle_of({"numbers": pool, "target": goal}), completion_text(completion), **rules | (given or {}))
        for completion, pool, goal, rules in rows
    ]


def _grades(completions, numbers, target, columns: dict, lenient: bool) -> list[float]:
    if other := next(filter(None, map(other_rules, _rules(columns, len(completions)))), None):
        raise ValueError(f"graded_reward is for the paper's rules, not {other}; use reward")
    verdicts = _verdicts(completions, numbers, target, columns, lenient=lenient)
    sizes = map(len, columns["nums"] if numbers is None else numbers)
    return [_grade(verdict, size) for verdict, size in zip(verdicts, sizes, strict=True)]


def other_rules(rules: dict[str, str]) -> dict[str, str]:
    """Those of ``rules`` that are not the paper's."""
    return {name: value for name, value in rules.items() if value != PAPER_RULES[name]}


def _grade(verdict: Verdict, n: int) -> float:
    if verdict.correct:
        return 1.0
    if verdict.reason == "wrong_target":
        return (n - 1) / n
    if verdict.line is not None and verdict.reason in POOL_FAULTS:
        return (verdict.line - 1) / n
    return 0.0


def _rules(columns: dict, rows: int) -> list[dict[str, str]]:
    """The rules that the columns state for each row."""
    stated = {name: columns[name] for name in RULE_COLUMNS if name in columns}
    if not stated:
        return [{}] * rows
    return [rules_of(dict(zip(stated, row, strict=True))) for row in zip(*stated.values(), strict=True)]
