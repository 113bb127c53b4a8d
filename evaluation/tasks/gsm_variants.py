"""Judge answers to variants of GSM8K: SVAMP, GSM-Hard and GSM-Plus, whose files give a number and no solution.

The final number of an answer is found as in ``metrics/gsm8k_answer``. How it is compared:

- SVAMP and GSM-Hard (``numbers_agree``): right if it differs from the target by less than 0.001, because targets of
  GSM-Hard are floats such as 9099577.916666666.
- GSM-Plus (``rounds_to``): right if it equals the answer. An answer with two or more decimals may be rounded (4.33 for
  13/3), so there a number that rounds to it is right too.
- GSM-Plus's kind "critical thinking": a condition is missing, and the reference is ``None``. An answer is right if it
  ends with the statement that there is no answer (``declines``), and wrong if it ends with a number.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from reprlib import repr as short

from arith_puzzle.metrics.arith_puzzle_verifier.estimators import mean, wilson_interval
from arith_puzzle.metrics.gsm8k_answer.score import answer, final_part

TOLERANCE = Fraction(1, 1000)
"""Largest difference to a target of SVAMP or GSM-Hard, exclusive."""

NO_ANSWER = "None"
"""The reference of a question that cannot be answered, as GSM-Plus writes it."""

_BOXED = re.compile(r"\\(?:boxed|fbox) ?\{(?:\\text ?\{)?([^{}]*)\}")
_DECLINES = re.compile(
    r"\b(?:none|unknown|undefined|undetermined|indeterminate|undeterminable|unanswerable|unsolvable|n/a)\b"
    r"|\bno (?:\w+ )?(?:answer|solution)\b|\bnot (?:enough|sufficient)\b|\b(?:insufficient|incomplete|missing)\b"
    r"|\b(?:can(?:not|'t| not)|could(?:n't| not)|(?:im|not )possible to|unable to|not able to)"
    r" (?:be )?(?:\w+ly )?(?:accurately |exactly )?"
    r"(?:determin|answer|calculat|comput|solv|find|found|know|say|said|tell|conclude|deduce|infer|give)"
    r"|\b(?:do(?:es)?n't|do(?:es)? not) (?:know|say|tell|state|specify|mention|provide|give|have enough)"
    r"|\b(?:is|are|was|were)(?:n't| not) (?:\w+ )?(?:given|known|specified|stated|provided|mentioned|told|clear)"
)
_DIGIT = re.compile(r"[0-9]")


def target_text(row: dict, column: str) -> str:
    """Return a target, which must be a JSON number, as text for ``Fraction``. Raises KeyError or ValueError."""
    value = row[column]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{column!r} must be a finite number, not {short(value)}")
    return str(int(value)) if value == int(value) else str(value)


def numbers_agree(found: Fraction, target: Fraction) -> bool:
    """Whether a number differs from a target by less than TOLERANCE."""
    return abs(found - target) < TOLERANCE


def rounds_to(found: Fraction, reference: str) -> bool:
    """Whether a number equals a reference, or rounds to it if the reference has two or more decimals."""
    wanted = answer(reference)
    decimals = len(reference.partition(".")[2])
    if wanted is None:
        return False
    return found == wanted or (decimals >= 2 and abs(found - wanted) * 2 * 10**decimals <= 1)


def declines(text: str) -> bool:
    """Whether an answer ends with the statement that the question has no answer.

    The end is the line after the last ``####`` or the content of the last ``\\boxed{}``, whichever comes last; without
    both, it is the last line that is not empty. It must contain a phrase such as "none", "unknown", "not enough
    information" or "cannot be determined". No number may follow the phrase; after ``####`` and in a box there must
    be no number at all.
    """
    text = final_part(text).replace("\u2019", "'").rstrip()
    box = None
    for box in _BOXED.finditer(text):  # noqa: B007 the last one is used
        pass
    marker = text.rfind("####")
    if box is not None and box.start() > marker:
        end, marked = box[1], True
    elif marker >= 0:
        end, marked = text[marker + 4 :].strip().partition("\n")[0], True
    else:
        end, marked = text.rpartition("\n")[2], False
    phrases = list(_DECLINES.finditer(end.lower()))
    if not phrases:
        return False
    return not _DIGIT.search(end if marked else end[phrases[-1].end() :])


Found = Fraction | str | None
"""What an answer ends with: a number, NO_ANSWER, or None if neither is found."""


def found_in(text: str) -> Found:
    """What an answer ends with."""
    return NO_ANSWER if declines(text) else answer(text)


def measure(answers: Sequence[str] | Sequence[Sequence[str]], right: Sequence[Callable[[Found], bool]]) -> dict:
    """Score P problems.

    Args:
        answers: P strings, or P lists of S samples.
        right: for each problem, whether what an answer ends with is right.

    Returns:
        {"n": P, "pass@1": the mean over the problems of the share of right samples, "pass@1_ci95": its Wilson interval
        for n = P, "no_answer": the share of samples that end neither with a number nor with "no answer"}. With lists,
        also "maj1@S": the share of problems whose most frequent ending is right. If m endings tie for first place and j
        of them are right, the problem counts j/m.
    """
    shares, votes, missing, samples = [], [], 0, 0
    for given, judge in zip(answers, right, strict=True):
        texts = [given] if isinstance(given, str) else given
        found = [found_in(text) for text in texts]
        shares.append(_share(found, judge))
        missing += found.count(None)
        samples += len(found)
        tally = Counter(each for each in found if each is not None)
        leaders = [each for each, count in tally.items() if count == max(tally.values())]
        votes.append(sum(map(judge, leaders)) / len(leaders) if leaders else 0.0)
    vote = {} if isinstance(answers[0], str) else {f"maj1@{len(answers[0])}": mean(votes)}
    return {"n": len(shares), **_rate(shares), **vote, "no_answer": missing / samples}


def rates(answers: Sequence[str] | Sequence[Sequence[str]], right: Sequence[Callable[[Found], bool]]) -> list[float]:
    """The share of right answers to each problem. The arguments are those of ``measure``."""
    texts = [[given] if isinstance(given, str) else given for given in answers]
    return [_share([found_in(text) for text in given], judge) for given, judge in zip(texts, right, strict=True)]


def _share(found: Sequence[Found], judge: Callable[[Found], bool]) -> float:
    return sum(each is not None and judge(each) for each in found) / len(found)


def by_kind(
    answers: Sequence[str] | Sequence[Sequence[str]], right: Sequence[Callable[[Found], bool]], kinds: Sequence[str]
) -> dict[str, dict]:
    """Score the problems of each kind: {kind: what ``measure`` returns}, in the order of the kinds' names."""
    groups: dict[str, list[int]] = {}
    for at, kind in enumerate(kinds):
        groups.setdefault(kind, []).append(at)
    return {
        kind: measure([answers[at] for at in places], [right[at] for at in places])
        for kind, places in sorted(groups.items())
    }


def _rate(rates: Sequence[float]) -> dict:
    return {"pass@1": mean(rates), "pass@1_ci95": list(wilson_interval(sum(rates), len(rates)))}
