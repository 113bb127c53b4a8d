"""From verdicts to the metric: pass@k, its interval, the lenient view, the reasons, pass@1 for each N, diversity.

Standard library only, and the siblings: the evaluate module, the scorer and the command line share it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from operator import index
from reprlib import repr as short

from .estimators import mean, pass_at_k, wilson_interval
from .normalize import normalize
from .verify import REASONS, Verdict, parse_equation, solution_key, verify

FORM_FAULTS = ("too_long", "illegal_characters", "malformed_equation")
"""The faults that the lenient view can mend. A response with none of them is in strict form already."""

REPORT_ORDER = (*(reason for reason in REASONS if reason != "ok"), "ok")
"""The contract's order: the rules as they are checked, then ``ok``."""


def verdicts(
    predictions: Sequence[str] | Sequence[Sequence[str]],
    references: Sequence[Mapping],
    division: str = "exact",
) -> Iterator[Verdict]:
    """Judge every response, in order: puzzle by puzzle, and sample by sample within a puzzle.

    Arguments as in ``aggregate``. The inputs are checked at the call, not at the first verdict.
    """
    pairs = _pairs(predictions, references)
    return (
        verify(numbers, target, response, division=division)
        for numbers, target, responses in pairs
        for response in responses
    )


def aggregate(
    predictions: Sequence[str] | Sequence[Sequence[str]],
    references: Sequence[Mapping],
    k: Sequence[int] = (1,),
    division: str = "exact",
) -> dict:
    """The metric over P puzzles.

    Args:
        predictions: P responses, or P lists of responses (samples). Puzzles may have different
            numbers of samples: pass@k is computed for each puzzle and then averaged.
        references: P mappings with ``numbers`` (the given integers) and ``target``; other keys are
            ignored, so rows of the dataset can be passed as they are.
        k: the k of each pass@k wanted, none above the smallest number of samples.
        division: ``"exact"`` or ``"integer"``, as in ``verify``.

    Returns:
        A dict that JSON can hold:
        ``pass@k`` for each k: mean over the puzzles, 0..1.
        ``pass@1_ci95``: [low, high], Wilson. Its n is the number of puzzles and its proportion the
            mean pass@1. With one sample for each puzzle this is the usual interval; with several it
            is wider than need be, since a puzzle's mean never varies more than a single draw does.
        ``pass@1_lenient``: pass@1 after ``normalize`` has put every response into strict form where its
            meaning is beyond doubt. Beside pass@1, not instead of it: the strict form is part of the task.
        ``num_puzzles``: P.
        ``reasons``: share of all responses for each reason that occurs, in REPORT_ORDER; the sum is 1.
        ``by_n``: pass@1 for each N (as a string), N ascending.
        ``distinct_solutions``: with lists of samples only: how many different correct (strict) solutions a
            puzzle's samples hold, mean over the puzzles. Solutions that differ by commuted operands or by the
            order of independent steps are one (``solution_key``).

    Raises:
        ValueError: empty inputs, lengths that differ, strings and lists mixed, a response that is not
            a string, a reference without whole ``numbers`` and ``target``, a bad k or division.
    """
    pairs = _pairs(predictions, references)
    _check_k(k, pairs)
    single = isinstance(predictions[0], str)
    reasons: Counter[str] = Counter()
    counts = []  # (samples, correct) of each puzzle
    lenient, distinct = [], []
    by_n = defaultdict(list)
    for numbers, target, responses in pairs:
        found = [verify(numbers, target, response, division=division).reason for response in responses]
        reasons.update(found)
        correct = [response for response, reason in zip(responses, found, strict=True) if reason == "ok"]
        counts.append((len(found), len(correct)))
        by_n[len(numbers)].append(pass_at_k(*counts[-1], 1))
        mended = sum(
            verify(numbers, target, normalize(response), division=division).correct
            for response, reason in zip(responses, found, strict=True)
            if reason in FORM_FAULTS
        )
        lenient.append(pass_at_k(len(found), len(correct) + mended, 1))
        if not single:
            distinct.append(len({solution_key(map(parse_equation, each.splitlines())) for each in correct}))
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
    """(numbers, target, responses) of each puzzle, checked."""
    for name, given in (("predictions", predictions), ("references", references)):
        if given is None or isinstance(given, (str, Mapping)):
            raise ValueError(f"{name} must be a list, not {short(given)}: give one entry for every puzzle")
    if len(predictions) != len(references):
        raise ValueError(
            f"predictions and references must be of one length, not {len(predictions)} and {len(references)}:"
            " give one entry of each for every puzzle"
        )
    if not len(predictions):
        raise ValueError("predictions and references must not be empty, and hold 0 puzzles: give at least one")
    single = isinstance(predictions[0], str)
    pairs = []
    for row, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        responses = [prediction] if isinstance(prediction, str) else prediction
        if not isinstance(responses, Sequence) or not all(isinstance(response, str) for response in responses):
            raise ValueError(
                f"a response must be a string, and prediction {row} is {short(prediction)}:"
                ' give "" where there is no answer'
            )
        if isinstance(prediction, str) != single:
            raise ValueError(
                f"predictions must be all strings or all lists of strings, and prediction {row} is"
                f" {short(prediction)}, unlike those before it: put a single response in a list too"
            )
        pairs.append((*_puzzle(reference, row), responses))
    return pairs


def _puzzle(reference: Mapping, row: int) -> tuple[list[int], int]:
    try:
        numbers, target = [index(number) for number in reference["numbers"]], index(reference["target"])
    except (KeyError, TypeError):
        numbers = []
    if not numbers:
        raise ValueError(
            f"a reference must have numbers and target, and reference {row} is {short(reference)}:"
            ' write {"numbers": [2, 3], "target": 5}'
        )
    return numbers, target


def _check_k(k: Sequence[int], pairs: Sequence) -> None:
    if not isinstance(k, Sequence) or not k or not all(type(each) is int and each >= 1 for each in k):
        raise ValueError(f"k must be a list of whole numbers from 1 on, not {short(k)}: write k=[1]")
    row, fewest = min(enumerate(len(responses) for *_, responses in pairs), key=lambda item: item[1])
    if max(k) > fewest:
        raise ValueError(
            f"k must not exceed the number of samples, and k = {max(k)} while prediction {row} has {fewest}:"
            " lower k or draw more samples"
        )
