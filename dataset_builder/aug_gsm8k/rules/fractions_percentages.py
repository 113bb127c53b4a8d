"""The strategy ``fractions_percentages`` by exact rules: a quantity becomes a fraction or a percentage of another.

There are two kinds. A given quantity is stated as a share of another given quantity, and the solution stays as it is
behind a new step. Or the final question asks for a share of the old answer, for a rest, or for a changed amount.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import fault_of_source
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.counts import COUNTS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.given import GIVEN, RATIOS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.money import BEFORE_PAYMENT, MONEY
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.usual import USUAL
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import Pair
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import (
    DROPPED,
    REFUSED,
    attached,
    bases,
    final_of,
    offers,
    restated,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

__all__ = ["DROPPED", "REFUSED", "STRATEGY", "augment"]

STRATEGY = "fractions_percentages"

MOST = 12
"""Maximum number of pairs of one kind from a source."""
FEW_BASES = 8
"""A source with fewer variants gives this many ways of each kind by its numbers."""
MANY_BASES = 60
"""Maximum number of variants in which two given quantities are looked at for a plain ratio."""

_PAID = re.compile(r"\b(?:pays?|paid|spends?|spent)\b")


def augment(
    problem: Problem, seed: int, count: int, problems: Sequence[Problem]
) -> tuple[list[Pair], str | None, Counter[str]]:
    """Make up to ``count`` pairs from one source. The other ``problems`` are not used.

    Returns:
        (pairs, None or a key of REFUSED, number of dropped draws by key of DROPPED).
    """
    reason = fault_of_source(problem)
    if reason:
        return [], reason, Counter()
    ways: dict[str, list[Callable[[Draws], Pair | None]]] = {}
    found = bases(problem, seed)
    for base in found * (FEW_BASES if len(found) < FEW_BASES else 1):
        for given in (*GIVEN, *USUAL):
            ways.setdefault(given.__name__, []).append(partial(restated, base, given))
        final, _ = final_of(base.query)
        paid = _PAID.search(base.response.rpartition("####")[0].strip().split("\n")[-1])
        for rewrite in () if final is None else MONEY if final.kind == "money" else COUNTS:
            if not (paid and rewrite in BEFORE_PAYMENT):
                ways.setdefault(rewrite.__name__, []).append(partial(attached, base, rewrite))
    if fitting := [given for given, pattern in RATIOS.items() if pattern.search(problem.query)]:
        for base in bases(problem, seed, MANY_BASES)[len(found) :]:
            for given in fitting:
                ways[given.__name__].append(partial(restated, base, given))
    pairs, dropped = offers(STRATEGY, problem, seed, count, ways, MOST)
    return pairs, None if pairs else "no_rewrite", dropped
