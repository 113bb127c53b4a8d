"""Rewards for reinforcement learning, in the form in which TRL's GRPOTrainer calls them.

``GRPOTrainer(reward_funcs=reward, ...)`` over a dataset with the columns ``prompt``, ``numbers`` and ``target``;
or ``reward_funcs=[reward, graded_reward]`` with ``reward_weights`` in GRPOConfig.

``reward`` is the metric itself. ``graded_reward`` gives a learner that solves nothing yet a slope to climb:
the share of the N checks (N-1 equations and the target) that hold before the first fault.

What the graded form resists. A fault of form or of count is judged over the whole response before any number is
used, as everywhere; such a response earns 0. So nothing is gained by padding, by repeating, by stopping early or
by writing on after a solution, and no more than N-1 equations ever count, each of which takes a number away.

What it cannot resist. It does not see whether a step leads anywhere: N-1 equations that hold but miss the target
earn (N-1)/N, whatever they are, and of two wrong answers the one that puts its easy steps (``x*1``, ``x-x``)
first may earn more. Give it a small weight beside ``reward``, and watch pass@1, not the reward.
"""

from __future__ import annotations

from collections.abc import Sequence

from arith_puzzle.metrics.arith_puzzle_verifier.verify import Verdict, verify

Completion = str | Sequence[dict]
"""A text, or a conversation of which the last message is the answer."""


def reward(
    completions: Sequence[Completion], numbers: Sequence[Sequence[int]], target: Sequence[int], **_
) -> list[float]:
    """1.0 for each completion that verifies as ``ok``, else 0.0.

    Args:
        completions: C texts, or C lists of messages ``{"role", "content"}``.
        numbers: C lists of integers, and ``target``: C integers; columns of the dataset, as TRL hands them over.

    Raises:
        ValueError: columns of unlike lengths. Nothing is raised on any completion.
    """
    return [float(verdict.correct) for verdict in _verdicts(completions, numbers, target)]


def graded_reward(
    completions: Sequence[Completion], numbers: Sequence[Sequence[int]], target: Sequence[int], **_
) -> list[float]:
    """1.0 for ``ok``, else in [0, 1): the share of N checks that hold before the first fault.

    Arguments and errors as of ``reward``. The fault's line L leaves L-1 equations that hold, so it earns (L-1)/N;
    ``wrong_target`` earns (N-1)/N; every fault of length, characters, form or count earns 0.
    """
    verdicts = _verdicts(completions, numbers, target)
    return [_grade(verdict, len(given)) for verdict, given in zip(verdicts, numbers, strict=True)]


def _grade(verdict: Verdict, n: int) -> float:
    if verdict.correct:
        return 1.0
    if verdict.reason == "wrong_target":
        return (n - 1) / n
    if verdict.reason in ("unavailable_operand", "division_by_zero", "inexact_division", "wrong_result"):
        return (verdict.line - 1) / n
    return 0.0


def _verdicts(completions, numbers, target) -> list[Verdict]:
    rows = zip(completions, numbers, target, strict=True)
    return [verify(given, goal, _text(completion)) for completion, given, goal in rows]


def _text(completion: Completion) -> str:
    if isinstance(completion, str):
        return completion
    content = (completion[-1].get("content") or "") if completion else ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
