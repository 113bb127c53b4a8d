"""GSM8K: the final number of an answer, compared exactly; pass@1 and the majority vote.

Standard library only: the evaluate module and the tests share it.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from fractions import Fraction
from reprlib import repr as short

from .estimators import mean, wilson_interval

MAX_CHARS = 100_000
"""Longest text that is searched for an answer; a longer one has none."""

MAX_DIGITS = 400
"""Longest number that is read, in digits: below the lowest limit (640) an interpreter can set for int(text)."""

# Brackets and currency signs may stand between the sign and the digits: -$5, $-5.
_NUMBER = (
    r"(?<![0-9.])(?P<sign>(?<![0-9A-Za-z)%])-)?(?:[$€£](?P<inner>-)?)?"
    r"(?:(?P<whole>[0-9]+) (?=[0-9]+/[0-9]))?"
    r"(?P<top>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:/(?P<bottom>[0-9]+)(?![0-9.]*/))?"
)
_ANY = re.compile(_NUMBER)
_MARKED = re.compile(r"#### {0,4}[*_`(\[\\]{0,3}" + _NUMBER)
_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\u2010\u2011\uff0d", "-"))
_FRAC = re.compile(r"\\[dt]?frac\{([0-9]+)\}\{([0-9]+)\}")
_LONG = re.compile(rf"[0-9]{{{MAX_DIGITS + 1},}}")


def answer(text: str) -> Fraction | None:
    """The final number of a solution: that of the last ``#### x``, or else the last number in the text.

    Read exactly, never as a float:
    ``1,234.50``: commas group thousands where every group has three digits, and separate numbers otherwise;
    ``-5``, ``-$5`` and ``$-5``, with any dash but the long one: a minus where no digit, letter or closing bracket
        stands before it (``7-5`` ends in 5);
    ``3/4`` and ``\\frac{3}{4}`` are fractions, ``2 3/4`` is a mixed number;
    ``$ € £``, ``%`` and units are no part of the number: ``50%`` is 50, as in GSM8K's own answers.

    Args:
        text: any text.

    Returns:
        The number; None where there is none, where it divides by zero or has more than MAX_DIGITS digits, and
        where the text is longer than MAX_CHARS. Linear in the text; nothing is raised on any string.
    """
    if len(text) > MAX_CHARS:
        return None
    # A number too long to be read becomes one without a value, and so is not passed over for another.
    text = _FRAC.sub(r" \1/\2", _LONG.sub("1/0", text.translate(_MINUS)).replace("{,}", ","))
    match = _last(_MARKED, text) or _last(_ANY, text)
    return None if match is None else _value(match)


def _last(pattern: re.Pattern, text: str) -> re.Match | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _value(match: re.Match) -> Fraction | None:
    bottom = int(match["bottom"] or 1)
    digits = match["top"].replace(",", "")
    if not bottom or len(digits) > MAX_DIGITS:
        return None
    value = Fraction(digits) / bottom + int(match["whole"] or 0)
    return -value if (match["sign"] is None) != (match["inner"] is None) else value


def score(predictions: Sequence[str] | Sequence[Sequence[str]], references: Sequence[str]) -> dict:
    """The metric over P problems.

    Args:
        predictions: P solutions, or P lists of S solutions (samples), S the same for all.
        references: P solutions as in GSM8K, or their final numbers, as text.

    Returns:
        A dict that JSON can hold:
        ``pass@1``: share of samples whose number is the reference's, mean over the problems, 0..1.
        ``pass@1_ci95``: [low, high], Wilson; its n is the number of problems.
        ``maj1@S``: for lists only: the share of problems whose most frequent number is the reference's. Samples
            without a number have no vote; where m numbers tie, each counts 1/m, whatever the order of the samples.
        ``num_problems``: P.
        ``no_answer``: share of all samples in which no number was found.

    Raises:
        ValueError: empty inputs, lengths that differ, strings and lists mixed, unlike numbers of samples, a
            prediction that is no string, a reference without a number.
    """
    rows = _rows(predictions, references)
    rates, votes, missing, samples = [], [], 0, 0
    for responses, gold in rows:
        found = [answer(response) for response in responses]
        rates.append(found.count(gold) / len(found))
        missing += found.count(None)
        samples += len(found)
        tally = Counter(number for number in found if number is not None)
        leaders = [number for number, count in tally.items() if count == max(tally.values())]
        votes.append((gold in leaders) / len(leaders) if leaders else 0.0)
    low, high = wilson_interval(sum(rates), len(rates))
    vote = {} if isinstance(predictions[0], str) else {f"maj1@{len(rows[0][0])}": mean(votes)}
    return {
        "pass@1": mean(rates),
        "pass@1_ci95": [low, high],
        **vote,
        "num_problems": len(rows),
        "no_answer": missing / samples,
    }


def _rows(predictions: Sequence, references: Sequence) -> list[tuple[Sequence[str], Fraction]]:
    for name, given in (("predictions", predictions), ("references", references)):
        if given is None or isinstance(given, str):
            raise ValueError(f"{name} must be a list, not {short(given)}: give one entry for every problem")
    if len(predictions) != len(references):
        raise ValueError(
            f"predictions and references must be of one length, not {len(predictions)} and {len(references)}:"
            " give one entry of each for every problem"
        )
    if not len(predictions):
        raise ValueError("predictions and references must not be empty, and hold 0 problems: give at least one")
    single, rows = isinstance(predictions[0], str), []
    for row, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        responses = [prediction] if isinstance(prediction, str) else prediction
        if not isinstance(responses, Sequence) or not all(isinstance(response, str) for response in responses):
            raise ValueError(
                f"a prediction must be a string, and prediction {row} is {short(prediction)}:"
                ' give "" where there is no answer'
            )
        if isinstance(prediction, str) != single or len(responses) != (len(rows[0][0]) if rows else len(responses)):
            raise ValueError(
                f"predictions must be all strings, or all lists of one length, and prediction {row} is"
                f" {short(prediction)}, unlike those before it: score such groups apart"
            )
        if not responses:
            raise ValueError(f"a list of samples must not be empty, and prediction {row} is: give at least one")
        gold = answer(reference) if isinstance(reference, str) else None
        if gold is None:
            raise ValueError(
                f"a reference must hold a number, and reference {row} is {short(reference)}: write it as in #### 72"
            )
        rows.append((responses, gold))
    return rows
