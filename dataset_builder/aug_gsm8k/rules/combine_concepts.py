"""The strategy ``combine_concepts`` by exact rules: another concept of school mathematics joins the story.

There are three kinds. A concept is attached to the final quantity: a wage, a ratio, an average, a speed, an area. A
given quantity is stated by another concept, such as a rate or another unit. Two problems are joined, and both answers
are needed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.comparisons import COMPARISONS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import Final
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.given_amounts import AMOUNTS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.given_rates import RATES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.goods import MORE
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.joined import join
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.measures import MEASURES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.money import MONEY
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Concept, Person, fault_of_source, names
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.things import THINGS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.names import BOYS, GIRLS
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
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text

__all__ = ["DROPPED", "REFUSED", "STRATEGY", "augment"]

STRATEGY = "combine_concepts"

JOINS = 4
"""Number of partners that are drawn for a comparison of two people."""
PAID = 3
"""Number of partners whose cost is paid with the source's money."""

_MALE = re.compile(r"\b(?:brother|father|dad|uncle|grandfather|grandpa|son|husband|boyfriend|man|boy)\b", re.I)
_FEMALE = re.compile(r"\b(?:sister|mother|mom|aunt|grandmother|grandma|daughter|wife|girlfriend|woman|girl)\b", re.I)


def augment(
    problem: Problem, seed: int, count: int, problems: Sequence[Problem]
) -> tuple[list[Pair], str | None, Counter[str]]:
    """Make up to ``count`` pairs from one source.

    Args:
        problem: the source.
        seed: the seed of all draws.
        count: maximum number of pairs.
        problems: all sources, for the joined problems.

    Returns:
        (pairs, None or a key of REFUSED, number of dropped draws by key of DROPPED).
    """
    reason = fault_of_source(problem)
    if reason:
        return [], reason, Counter()
    partners: set[int] = set()
    ways: dict[str, list[Way]] = {
        "compared": [partial(_joined, problem, problems, False, partners)] * JOINS,
        "paid": [partial(_joined, problem, problems, True, partners)] * PAID,
    }
    for base in bases(problem, seed):
        for given in (*RATES, *AMOUNTS):
            ways.setdefault(f"given{given.__name__}", []).append(partial(restated, base, given))
        final, person = final_of(base.query)
        for concept in _concepts(final) if final and clear(final, person, base.query) else ():
            ways.setdefault(concept.__name__, []).append(partial(attached, base, concept))
    pairs, dropped = offers(STRATEGY, problem, seed, count, ways)
    return pairs, None if pairs else "no_rewrite", dropped


def clear(final: Final, person: Person | None, query: str) -> bool:
    """Whether new sentences about the person of the final question cannot be read of somebody else."""
    titled = person and not final.subject and re.search(rf"(?:Mr|Mrs|Ms|Miss|Dr|Aunt|Uncle)\.? {person.name}\b", query)
    if titled or (person and not final.subject and person.name in final.head):
        return False
    if final.subject not in ("he", "she"):
        return True
    others, kin = (GIRLS - BOYS, _MALE) if final.subject == "he" else (BOYS - GIRLS, _FEMALE)
    return len(names(query) - others) <= 1 and not kin.search(query)


def _concepts(final: Final) -> tuple[Concept, ...]:
    """The concepts that may fit a final question."""
    if final.kind in ("money", "unit price"):
        return (*MONEY, *COMPARISONS, *MORE)
    return (*THINGS, *MEASURES, *MORE, *COMPARISONS)


def _joined(problem: Problem, problems: Sequence[Problem], paid: bool, partners: set[int], draws: Draws) -> Pair | None:
    """Another problem whose answer is needed too. Each partner is used once; ``partners`` has those that were used."""
    made = join(problem, problems, draws, paid)
    if made is None or made.partner in partners:
        return None
    partners.add(made.partner)
    return Pair(made.question, tuple(f"{lines}\n#### {number_text(made.answer)}" for lines in made.solutions))
