"""The strategy ``conditional`` by exact rules: a condition decides what has to be computed.

The condition is about the old answer, or about a given number. It holds in some pairs and does not in others. The
solution says which, and why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import fault_of_source
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.cases import CASES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import is_rest
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.counts import COUNTS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.given import GIVEN
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.groups import GROUPS, payments
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.inserted import INSERTED
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.money import MONEY
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.quoted import QUOTED
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.tasks import TASKS
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
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem

__all__ = ["DROPPED", "REFUSED", "STRATEGY", "augment"]

STRATEGY = "conditional"
COUNT_KINDS = (*COUNTS, *GROUPS, *TASKS)
SPENDING = ("payments", "discount", "delivery", "budget", "cashback")
"""Kinds with a condition on the total of a bill."""
MOST_QUOTED = 3
"""Maximum number of pairs of a source with its quoted question, which fit nearly every source.

They are made only if the other kinds give too few pairs."""

_FRAGMENT = re.compile(r"(?:^|[.!?] )(?:If|While|When|Because) [^,.?!]*(?:\.\d+[^,.?!]*)*\.(?: |$)")
_SHARES = re.compile(r"\b(?:half|halves|thirds?|quarters?|fifths?|tenths?|twice|double[sd]?|triple[sd]?)\b")


def augment(
    problem: Problem, seed: int, count: int, problems: Sequence[Problem]
) -> tuple[list[Pair], str | None, Counter[str]]:
    """Make up to ``count`` pairs from one source. The other ``problems`` are not used.

    Returns:
        (pairs, None or a key of REFUSED, number of dropped draws by key of DROPPED).
    """
    reason = fault_of_source(problem)
    if reason or _FRAGMENT.search(problem.query):
        return [], reason or "no_rewrite", Counter()
    ways: dict[str, list[Way]] = {}
    quoted: dict[str, list[Way]] = {}
    own_words = set(_SHARES.findall(problem.response)) <= set(_SHARES.findall(problem.query))
    # "A quarter" in the solution is 25% in the question, which a variant changes.
    for base in bases(problem, seed)[: None if own_words else 1]:
        for given in (*GIVEN, *CASES):
            ways.setdefault(given.__name__, []).append(partial(restated, base, given))
        for inserted in INSERTED:
            ways.setdefault(inserted.__name__, []).append(partial(inserted, base))
        final, _ = final_of(base.query)
        for rewrite in () if final is None else (*MONEY, payments) if final.kind == "money" else COUNT_KINDS:
            if rewrite.__name__ not in SPENDING or not is_rest(base):
                ways.setdefault(rewrite.__name__, []).append(partial(attached, base, rewrite))
        for quote in QUOTED:
            quoted.setdefault(quote.__name__, []).append(partial(quote, base))
    pairs, dropped = offers(STRATEGY, problem, seed, count, ways)
    if len(pairs) < count:
        few = min(count - len(pairs), MOST_QUOTED)
        more, dropped_too = offers(f"{STRATEGY} quoted", problem, seed, few, quoted)
        pairs, dropped = pairs + more, dropped + dropped_too
    return pairs, None if pairs else "no_rewrite", dropped
