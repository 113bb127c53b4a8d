"""The strategy ``conditional`` by exact rules: a condition decides what has to be computed.

The condition is about the old answer, or about a given number. It holds in some pairs and does not in others. The
solution says which, and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import fault_of_source
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.cases import CASES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.counts import COUNTS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.given import GIVEN
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.groups import GROUPS, payments
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.inserted import INSERTED
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.money import MONEY
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.tasks import TASKS, bet
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import Pair
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import (
    DROPPED,
    REFUSED,
    Way,
    attached,
    bases,
    final_of,
    offers,
    restated,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

__all__ = ["DROPPED", "REFUSED", "STRATEGY", "augment"]

STRATEGY = "conditional"
COUNT_KINDS = (*COUNTS, *GROUPS, *TASKS)
MOST_BETS = 3
"""Maximum number of variants of a source with a bet or with a guess, which fit nearly every source.

They are used only if the other kinds give too few pairs."""


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
        for given in (*GIVEN, *CASES):
            ways.setdefault(given.__name__, []).append(partial(restated, base, given))
        for inserted in INSERTED:
            ways.setdefault(inserted.__name__, []).append(partial(inserted, base))
        final, _ = final_of(base.query)
        for rewrite in () if final is None else (*MONEY, payments, bet) if final.kind == "money" else COUNT_KINDS:
            ways.setdefault(rewrite.__name__, []).append(partial(attached, base, rewrite))
    fillers: dict[str, list[Way]] = {kind: ways.pop(kind)[:MOST_BETS] for kind in ("bet", "guess") if kind in ways}
    pairs, dropped = offers(STRATEGY, problem, seed, count, ways)
    if len(pairs) < count:
        more, dropped_too = offers(f"{STRATEGY} fillers", problem, seed, count - len(pairs), fillers)
        pairs, dropped = pairs + more, dropped + dropped_too
    return pairs, None if pairs else "no_rewrite", dropped
