"""Compute the metric from verdicts: pass@k, its interval, the lenient pass@1, reasons, pass@1 by N, distinct solutions.

The evaluate module, the scorer and the command line all use this module. It imports only the standard library and its
siblings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from operator import index
from reprlib import repr as short
from typing import Any

from .estimators import mean, pass_at_k, wilson_interval
from .normalize import FORM_FAULTS, verify_lenient
from .verify import REASONS, Verdict, check_options, response_key, rules_of, verify

REPORT_ORDER = (*(reason for reason in REASONS if reason != "ok"), "ok")
"""The reasons in the order in which ``verify`` checks the rules; ``ok`` is last."""


def rules_of_all(references: Sequence[Mapping], **given: str | None) -> dict[str, str]:
    """The division, rule and form of ``given``. Where one is None: what the references state, else the default.

    Raises:
        ValueError: references state different rules, or the rules are not those of ``check_options``.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    stated = [rules_of(reference) for reference in references if isinstance(reference, Mapping)]
    rules = [rules | chosen for rules in stated]
    if other := next((at for at, each in enumerate(rules) if each != rules[0]), None):
        raise ValueError(f"references 0 and {other} state different rules: score them apart")
    found = rules[0] if rules else chosen
    check_options(**found)
    return found


def verdicts(
    predictions: Sequence[str] | Sequence[Sequence[str]],
    references: Sequence[Mapping],
    division: str | None = None,
    rule: str | None = None,
    form: str | None = None,
) -> Iterator[Verdict]:
    """Judge every response, puzzle by puzzle, and within a puzzle sample by sample.

    The arguments are those of ``aggregate``.

    Raises:
        ValueError: as in ``aggregate``, at the call and not at the first verdict.
    """
    pairs = _pairs(predictions, references)
    options = rules_of_all(references, division=division, rule=rule, form=form)
    return (
        verify(numbers, target, response, **options) for numbers, target, responses in pairs for response in responses
    )


def aggregate(
    predictions: Sequence[str] | Sequence[Sequence[str]],
    references: Sequence[Mapping],
    k: Sequence[int] = (1,),
    division: str | None = None,
    rule: str | None = None,
    form: str | None = None,
) -> dict:
    """Compute the metric over P puzzles.

    Args:
        predictions: P responses, or P lists of responses (samples). The number of samples may differ between
            puzzles: pass@k is computed for each puzzle and then averaged.
        references: P mappings with ``numbers`` (the given integers) and ``target``. Rows of the dataset can be
            passed unchanged: keys besides these and those of ``rules_of`` are ignored.
        k: the values of k for pass@k. None may exceed the smallest number of samples.
        division, rule, form: as in ``verify``. None: as the references state it, else the default.

    Returns:
        A dict that can be written as JSON:
        ``pass@k`` for each k: mean over the puzzles, 0..1.
        ``pass@1_ci95``: [low, high], Wilson's interval with n = P around the mean pass@1. With several samples
            per puzzle it is wider than necessary, because a mean over samples varies less than one sample.
        ``pass@1_lenient``: pass@1 after ``normalize``, which puts unambiguous responses into strict form. Report
            it beside pass@1 and not in its place, because the strict form is part of the task.
        ``num_puzzles``: P.
        ``reasons``: share of all responses for each reason that occurs, in REPORT_ORDER. The shares sum to 1.
        ``by_n``: pass@1 for each N. The keys are strings, in ascending order of N.
        ``distinct_solutions``: only for lists of samples. The number of different correct solutions (strict form)
            of a puzzle, mean over the puzzles. ``response_key`` defines which solutions are equal.

    Raises:
        ValueError: empty inputs, different lengths, a mix of strings and lists, a response that is not a string,
            a reference without integer ``numbers`` and ``target``, a bad k, division, rule or form.
    """
    pairs = _pairs(predictions, references)
    options = rules_of_all(references, division=division, rule=rule, form=form)
    _check_k(k, pairs)
    single = isinstance(predictions[0], str)
    reasons: Counter[str] = Counter()
    counts: list[tuple[int, int]] = []  # (samples, correct) for each puzzle
    lenient, distinct = [], []
    by_n = defaultdict(list)
    for numbers, target, responses in pairs:
        found = [verify(numbers, target, response, **options).reason for response in responses]
        reasons.update(found)
        correct = [response for response, reason in zip(responses, found, strict=True) if reason == "ok"]
        counts.append((len(found), len(correct)))
        by_n[len(numbers)].append(pass_at_k(*counts[-1], 1))
        correct_if_normalized = sum(
            verify_lenient(numbers, target, response, **options).correct
            for response, reason in zip(responses, found, strict=True)
            if reason in FORM_FAULTS
        )
        lenient.append(pass_at_k(len(found), len(correct) + correct_if_normalized, 1))
        if not single:
            distinct.append(len({response_key(numbers, each, **options) for each in correct}))
    low, high = wilson_interval(fsum(rate for rates in by_n.values() for rate in rates), len(pairs))
    return {
        **{f"pass@{each}": mean([pass_at_k(n, c, each) for n, c in counts]) for each in k},
        "pass@1_ci95": [low, high],
        "pass@1_lenient": mean(lenient),
        "num_puzzles": len(pairs),
        "reasons": {reason: reasons[reason] / reasons.total() for reason in REPORT_ORDER if reasons[reason]},
        "by_n": {str(n): mean(by_n[n]) for n in sorted(by_n)},
        **({} if single else {"distinct_solutions": mean(distinct)}),
    }


def _pairs(predictions: Sequence, references: Sequence) -> list[tuple[list[int], int, Sequence[str]]]:
    """Check the inputs and return (numbers, target, responses) for each puzzle."""
    for name, given in (("predictions", predictions), ("references", references)):
        if given is None or isinstance(given, (str, Mapping)):
            raise ValueError(f"{name} must be a list, not {short(given)}: give one entry for every puzzle")
    if len(predictions) != len(references):
        raise ValueError(
            f"predictions and references must have the same length, not {len(predictions)} and {len(references)}:"
            " give one prediction and one reference for every puzzle"
        )
    if not len(predictions):
        raise ValueError("predictions and references must not be empty: give at least one puzzle")
    single = isinstance(predictions[0], str)
    pairs = []
    for row, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        responses = [prediction] if isinstance(prediction, str) else prediction
        if not isinstance(responses, Sequence) or not all(isinstance(response, str) for response in responses):
            raise ValueError(
                f'a response must be a string, but prediction {row} is {short(prediction)}: use "" for a missing answer'
            )
        if isinstance(prediction, str) != single:
            raise ValueError(
                f"predictions must be all strings or all lists of strings, but prediction {row} is"
                f" {short(prediction)}: put single responses into lists too"
            )
        pairs.append((*_puzzle(reference, row), responses))
    return pairs


def puzzle_of(row: Mapping) -> tuple[list[int], int]:
    """Return ``numbers`` and ``target`` of a row as Python's integers.

    Every entry point reads rows by this function, so all of them accept the same puzzles: integers of Python, numpy or
    torch. A boolean, a float and a string of digits are no integers.

    Raises:
        ValueError: one of the two is missing or something else. The message does not say which row it is.
    """
    for key in ("numbers", "target"):
        if key not in row:
            raise ValueError(f"{key!r} is missing")
    given = row["numbers"]
    try:
        numbers = [] if isinstance(given, (str, bytes, Mapping)) else [_integer(number) for number in given]
    except TypeError:
        numbers = []
    if not numbers:
        raise ValueError(f"'numbers' must be a list of integers, not {short(given)}")
    try:
        return numbers, _integer(row["target"])
    except TypeError:
        raise ValueError(f"'target' must be an integer, not {short(row['target'])}") from None


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError("a boolean")
    return index(value)  # raises TypeError for anything but an integer


def _puzzle(reference: Mapping, row: int) -> tuple[list[int], int]:
    try:
        return puzzle_of(reference)
    except (TypeError, ValueError):
        raise ValueError(
            f"a reference must have numbers and target, but reference {row} is {short(reference)}:"
            ' write {"numbers": [2, 3], "target": 5}'
        ) from None


def _check_k(k: Sequence[int], pairs: Sequence) -> None:
    if not isinstance(k, Sequence) or not k or not all(type(each) is int and each >= 1 for each in k):
        raise ValueError(f"k must be a list of integers of 1 or more, not {short(k)}: write k=[1]")
    row, fewest = min(enumerate(len(responses) for *_, responses in pairs), key=lambda item: item[1])
    if max(k) > fewest:
        raise ValueError(
            f"k must not exceed the number of samples, but k = {max(k)} and prediction {row} has {fewest}:"
            " lower k or draw more samples"
        )
