"""Score GSM8K solutions: find the final number, compare it exactly, and compute pass@1 and the majority vote.

The module imports only the standard library and its sibling estimators.py.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from reprlib import repr as short

from .estimators import mean, wilson_interval

MAX_CHARS = 100_000
"""Longest text that is searched for an answer, in characters. A longer text has no answer."""

MAX_DIGITS = 400
"""Longest number that is read, in digits. CPython can limit int(text) to 640 digits, but not to fewer."""

# A currency sign may stand between the sign and the digits (-$5) or before the sign ($-5).
_NUMBER = (
    r"(?<![0-9.])(?P<sign>(?<![0-9A-Za-z)%])-)?(?:[$€£](?P<inner>-)?)?"
    r"(?:(?P<whole>[0-9]+) (?=[0-9]+/[0-9]))?"
    r"(?P<top>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:/(?P<bottom>[0-9]+)(?![0-9.]*/)|[eE](?P<power>[+-]?[0-9]+)(?![0-9A-Za-z]))?"
)
_ANY = re.compile(_NUMBER)
_MARKED = re.compile(r"#### {0,4}[*_`(\[\\]{0,3}" + _NUMBER)
_BOXED = re.compile(r"\\(?:boxed|fbox) ?\{")
_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\u2010\u2011\uff0d", "-"))
_THINK, _END_OF_THINK = "<think>", "</think>"
_QUESTION = re.compile(
    r"\sQuestion:|\n[ \t]*(?:Q|Problem|Human|User|Instruction|### ?[A-Za-z ]+):|\nBelow is an instruction "
)

# Other ways to write numbers, as pairs of pattern and replacement. A number in a form that is not known becomes 1/0,
# which has no value: otherwise the search would read a part of it, or another number.
_NONE = "1/0"
_GROUP = r"(?:\\[,;! ]|\{,\}|['\u2019\u00a0\u2009\u202f])"
_EXPONENT = r" ?\^ ?(?:\{ ?(-?[0-9]{1,4}) ?\}|(-?[0-9]{1,4}))"
_FRACTION_PART = r"(?:\{ ?(-?[0-9][0-9,]*(?:\.[0-9]+)?) ?\}|([0-9]))"
_REWRITES: tuple[tuple[re.Pattern, str | Callable[[re.Match], str]], ...] = (
    (re.compile(rf"[0-9]{{{MAX_DIGITS + 1},}}"), _NONE),
    # 1{,}234 and 1'234 and 1 234 with a thin space
    (re.compile(rf"(?<![0-9.,])[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}}){{1,130}}(?![0-9])"),
     lambda m: re.sub("[^0-9]", "", m[0])),
    # 1.234.567 and 1.234,56
    (re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:\.[0-9]{3}){2,}(?!\.?[0-9])"), lambda m: m[0].replace(".", "")),
    (re.compile(r"(?<![0-9.,])([0-9]{1,3}(?:\.[0-9]{3})+),([0-9]{1,2})(?![.,]?[0-9])"),
     lambda m: f"{m[1].replace('.', '')}.{m[2]}"),
    # 12,34,567
    (re.compile(r"(?<![0-9.,])[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?![0-9,])"), lambda m: m[0].replace(",", "")),
    # 1.8 \times 10^4
    (re.compile(rf"(?<![0-9.,])([0-9]+(?:\.[0-9]+)?) ?(?:\\times|\\cdot|[\u00d7\u00b7*x]) ?10{_EXPONENT}"),
     lambda m: f"{m[1]}e{m[2] or m[3]}"),
    # 2^3 is no number here; the exponent of m^2 and of m2 is none either
    (re.compile(rf"[0-9)]{_EXPONENT}"), f" {_NONE} "),
    (re.compile(rf"(?<=[A-Za-z}}])(?:{_EXPONENT}|(?<=\bm)[23]\b|(?<=\b[kcmd]m)[23]\b)"), ""),
    (re.compile(rf"(-?)\\[dt]?frac ?{_FRACTION_PART} ?{_FRACTION_PART}"), lambda m: _fraction(*m.groups())),
    (re.compile(r"\\[dt]?frac ?\{[^{}]{0,60}[0-9][^{}]{0,60}\} ?\{[^{}]{0,60}\}"), f" {_NONE} "),
    (re.compile(r"\\[dt]?frac ?\{[^{}]{0,60}\} ?\{[^{}]{0,60}[0-9][^{}]{0,60}\}"), f" {_NONE} "),
)  # fmt: skip


def _fraction(sign: str, top: str | None, digit: str | None, bottom: str | None, last: str | None) -> str:
    """A fraction of LaTeX as text, without commas: a/b. A space separates it from a whole number before it."""
    above, below = (top or digit or "").replace(",", ""), (bottom or last or "").replace(",", "")
    if sign and above.startswith("-"):
        sign, above = " ", above[1:]
    if "." in above or "." in below or below.startswith("-"):
        return f" {_NONE} "
    return f"{sign or ' '}{above}/{below}"


def final_part(text: str) -> str:
    """The part of a response that may hold the answer.

    Reasoning up to the last ``</think>`` is dropped, and so is an unfinished ``<think>``. The rest ends where another
    question begins: a model that goes on after its answer often writes one.
    """
    text = text.rpartition(_END_OF_THINK)[2].partition(_THINK)[0]
    begins = len(text) - len(text.lstrip())
    following = _QUESTION.search(text, begins)
    return text[: following.start()] if following else text


def answer(text: str) -> Fraction | None:
    """Find the final number of a solution, in its ``final_part``.

    It is the number after the last ``####``; without one, the last number in the last ``\\boxed{}``; without both, the
    last number. The table in README.md has the ways to write a number. A number in another form has no value, rather
    than that of a part of it. Numbers are read exactly, never as floats. Time is linear in the text. No string raises.

    Args:
        text: any string.

    Returns:
        The number. None if there is no number, if it divides by zero or has more than MAX_DIGITS digits, or if the
        text is longer than MAX_CHARS.
    """
    if len(text) > MAX_CHARS:
        return None
    text = final_part(text).translate(_MINUS)
    marker, box = text.rfind("####"), _last(_BOXED, text)
    if box is not None and (marker < 0 or box.start() >= marker):
        text, marker = _content(text, box.end()), -1
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    match = (_last(_MARKED, text) if marker >= 0 else None) or _last(_ANY, text)
    return None if match is None else _value(match)


def _content(text: str, start: int) -> str:
    """The text up to the brace that closes the one before ``start``; to the end if there is none."""
    depth = 1
    for place in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(place[0], 0)
        if not depth:
            return text[start : start + place.start()]
    return text[start:]


def _last(pattern: re.Pattern, text: str) -> re.Match | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _value(match: re.Match) -> Fraction | None:
    bottom, power = int(match["bottom"] or 1), match["power"] or "0"
    digits = match["top"].replace(",", "")
    if not bottom or len(digits) > MAX_DIGITS or len(power) > 4 or abs(int(power)) > MAX_DIGITS:
        return None
    value = Fraction(digits) / bottom * Fraction(10) ** int(power) + int(match["whole"] or 0)
    return -value if (match["sign"] is None) != (match["inner"] is None) else value


def score(predictions: Sequence[str] | Sequence[Sequence[str]], references: Sequence[str]) -> dict:
    """Compute the metric over P problems.

    Args:
        predictions: P solutions, or P lists of S solutions (samples). S is the same for all problems.
        references: P strings. Each is a solution of GSM8K or its final number.

    Returns:
        A dict that can be written as JSON:
        ``pass@1``: share of samples with the reference's number, mean over the problems, 0..1.
        ``pass@1_ci95``: [low, high], Wilson's interval with n = P.
        ``maj1@S``: only for lists of samples. Share of problems whose most frequent number is the reference's.
            Samples without a number do not vote. If m numbers tie for first place and one of them is the
            reference's, the problem counts 1/m.
        ``num_problems``: P.
        ``no_answer``: share of all samples without a number.

    Raises:
        ValueError: empty inputs, different lengths, a mix of strings and lists, different numbers of samples, a
            prediction that is not a string, a reference without a number.
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
    """Check the inputs and return (responses, gold number) for each problem."""
    for name, given in (("predictions", predictions), ("references", references)):
        if given is None or isinstance(given, str):
            raise ValueError(f"{name} must be a list, not {short(given)}: give one entry for every problem")
    if len(predictions) != len(references):
        raise ValueError(
            f"predictions and references must have the same length, not {len(predictions)} and {len(references)}:"
            " give one prediction and one reference for every problem"
        )
    if not len(predictions):
        raise ValueError("predictions and references must not be empty: give at least one problem")
    single = isinstance(predictions[0], str)
    rows: list[tuple[Sequence[str], Fraction]] = []
    for row, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        responses = [prediction] if isinstance(prediction, str) else prediction
        if not isinstance(responses, Sequence) or not all(isinstance(response, str) for response in responses):
            raise ValueError(
                f"a prediction must be a string, but prediction {row} is {short(prediction)}:"
                ' use "" for a missing answer'
            )
        if isinstance(prediction, str) != single or len(responses) != (len(rows[0][0]) if rows else len(responses)):
            raise ValueError(
                f"predictions must be all strings or all lists of the same length, but prediction {row} is"
                f" {short(prediction)}: score such groups separately"
            )
        if not responses:
            raise ValueError(f"a list of samples must not be empty, but prediction {row} is: give at least one sample")
        gold = answer(reference) if isinstance(reference, str) else None
        if gold is None:
            raise ValueError(
                f"a reference must contain a number, but reference {row} is {short(reference)}: write it as in #### 72"
            )
        rows.append((responses, gold))
    return rows
