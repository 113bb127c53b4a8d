"""The strategy complexity: the story goes on after the source's last quantity, so that the answer takes more steps.

The last question is replaced by further sentences and another question. The solution keeps the source's steps, and at
least two more follow. The kinds of extension are in ``extensions``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle

from arith_puzzle.dataset_builder.aug_gsm8k.rules import change_numbers
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions import asked
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.kinds import Kind, kinds_of
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import FAULTS, RULES_VERSION, Pair, fault
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text
from arith_puzzle.metrics.gsm8k_answer.score import answer

STRATEGY = "complexity"
VARIANTS = 11
"""Maximum number of change_numbers' pairs of the source that are extended too, so that questions differ more."""
ATTEMPTS = 6
"""Maximum number of draws per wanted new question."""
MORE_STEPS = 2
"""Least number of further steps."""

_PERCENT_SIGN = re.compile(r"%(?![^<>]*>>)")
"""A percent sign outside an annotation. Without it, the equation that it stands in is checked too."""

REFUSED = {
    "last_question": "the last question has another form, or does not say clearly whose quantity it asks for",
    "no_kind": "no extension fits the quantity that the question asks for",
}
"""Reason why a source gives nothing -> its meaning."""
DROPPED = {
    "unfit": "the extension does not fit the size of the quantity",
    "few_steps": "the solution has fewer than two more steps than the source's",
    "same": "the question equals an earlier one of the source",
} | FAULTS
"""Reason why a draw is dropped -> its meaning."""


def augment(
    problem: Problem, seed: int, count: int, problems: Sequence[Problem]
) -> tuple[list[Pair], str | None, Counter[str]]:
    """Make up to ``count`` pairs from one source. The other ``problems`` are not used.

    The first pair has the source's numbers, and the others have numbers of change_numbers where it has some.

    Returns:
        (pairs, None or a key of REFUSED, number of dropped draws by key of DROPPED).
    """
    dropped: Counter[str] = Counter()
    read = _read(problem.query)
    if read is None:
        return [], "last_question", dropped
    kinds = kinds_of(read)
    if not kinds:
        return [], "no_kind", dropped
    variants, _, _ = change_numbers.augment(problem, seed, min(VARIANTS, count - 1), problems)
    bases = [(problem.query, problem.response), *((pair.question, pair.solutions[0]) for pair in variants)]
    start = Draws(STRATEGY, RULES_VERSION, seed, problem.index).below(len(kinds))
    chosen = cycle(kinds[start:] + kinds[:start])
    pairs: list[Pair] = []
    made: Counter[str] = Counter()
    for attempt in range(ATTEMPTS * count):
        if len(pairs) == count:
            break
        kind = next(chosen)
        if made[kind.name] >= kind.most:
            if all(made[each.name] >= each.most for each in kinds):
                break
            continue
        query, response = bases[len(pairs) % len(bases)]
        reason, pair = _extend(query, response, kind, Draws(STRATEGY, RULES_VERSION, seed, problem.index, attempt))
        if pair and pair.question in {earlier.question for earlier in pairs}:
            reason, pair = "same", None
        if pair:
            pairs.append(pair)
            made[kind.name] += 1
        else:
            dropped[reason] += 1
    return pairs, None, dropped


def _read(question: str) -> asked.Asked | asked.Counted | asked.Aged | None:
    return asked.read(question) or asked.read_counted(question) or asked.read_aged(question)


def _extend(query: str, response: str, kind: Kind, draws: Draws) -> tuple[str, Pair | None]:
    """Extend one problem: ("", pair), or (a key of DROPPED, None)."""
    read, amount = _read(query), answer(response)
    body, marker, _ = response.rpartition("\n####")
    if read is None or amount is None or not marker or amount <= 0:
        return "unfit", None
    made = kind.extend(read, amount, draws)
    if made is None:
        return "unfit", None
    if len(made.steps) < MORE_STEPS:
        return "few_steps", None
    question = f"{read.story} {made.text}"
    solution = "\n".join([*made.before, body, *made.steps, f"#### {number_text(made.result)}"])
    if answer(solution) != made.result or made.result == Fraction(0):
        return "answer", None
    found = fault(question, solution) or fault(question, _PERCENT_SIGN.sub("", solution))
    return (found, None) if found else ("", Pair(question, (solution,)))
