"""The strategy ``fractions_percentages`` by exact rules: a quantity becomes a fraction or a percentage of another.

There are two kinds. A given quantity is stated as a share of another given quantity, and the solution stays as it is
behind a new step. Or the final question asks for a share of the old answer, for a rest, or for a changed amount.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import fault_of_source
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.counts import COUNTS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.given import GIVEN
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.money import MONEY
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
    for base in bases(problem, seed):
        for given in (*GIVEN, *USUAL):
            ways.setdefault(given.__name__, []).append(partial(restated, base, given))
        final, _ = final_of(base.query)
        for rewrite in () if final is None else MONEY if final.kind == "money" else COUNTS:
            ways.setdefault(rewrite.__name__, []).append(partial(attached, base, rewrite))
    pairs, dropped = offers(STRATEGY, problem, seed, count, ways)
    return pairs, None if pairs else "no_rewrite", dropped
