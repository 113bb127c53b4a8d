"""The strategy ``combine_concepts`` by exact rules: another concept of school mathematics joins the story.

There are three kinds. A concept is attached to the final quantity: a wage, a ratio, an average, a speed, an area. A
given quantity is stated by another concept, such as a rate or another unit. Two problems are joined, and both answers
are needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TypeVar

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.comparisons import COMPARISONS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import Final, parse_final
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.given_amounts import AMOUNTS, REPEATED
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.given_rates import RATES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.goods import GOODS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.joined import join
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.measures import MEASURES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.money import MONEY
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.prices import PRICES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.restate import Restate
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Concept,
    Person,
    Story,
    fault_of_source,
    person_of,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.things import THINGS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import RULES_VERSION, Pair, fault
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text

T = TypeVar("T")

STRATEGY = "combine_concepts"
ROUNDS = 4
"""Number of draws for each concept that may fit a source."""

JOINS = 22
"""Number of partners that are drawn for a source."""
PAID = 6
"""Number of partners whose cost is paid with the source's money; the others compare two people."""

BOTH = 4
"""Number of draws of a concept for a given quantity together with one for the final quantity."""

REFUSED = {
    "long": "the question or the solution is too long for another concept",
    "annotations": "an annotation is missing or not exactly right, or the last one is not the answer",
    "algebra": "the solution solves for an unknown",
    "unexplained": "a number of the solution has no known source, or an equation does not hold",
    "no_concept": "no concept fits the question",
}
"""Reason why a source gives no pair -> its meaning."""

DROPPED = {
    "misfit": "the concept does not fit the drawn numbers",
    "fault": "the pair fails the check that every strategy applies",
    "same": "the question equals an earlier one of the source",
}
"""Reason why a draw is dropped -> its meaning."""


def augment(
    problem: Problem, seed: int, count: int, problems: Sequence[Problem]
) -> tuple[list[Pair], str | None, Counter[str]]:
    """Make up to ``count`` pairs from one source, each with another concept.

    Args:
        problem: the source.
        seed: the seed of all draws.
        count: maximum number of pairs.
        problems: all sources, for the joined problems.

    Returns:
        (pairs, None or a key of REFUSED, number of dropped draws by key of DROPPED).
    """
    dropped: Counter[str] = Counter()
    reason = fault_of_source(problem)
    if reason:
        return [], reason, dropped
    pairs: list[Pair] = []
    seen: set[str] = set()
    for pair in _offers(problem, seed, problems):
        if len(pairs) == count:
            break
        if pair is None:
            dropped["misfit"] += 1
        elif pair.question in seen:
            dropped["same"] += 1
        elif any(fault(pair.question, solution) for solution in pair.solutions):
            dropped["fault"] += 1
        else:
            seen.add(pair.question)
            pairs.append(pair)
    return pairs, None if pairs else "no_concept", dropped


def _offers(problem: Problem, seed: int, problems: Sequence[Problem]) -> Iterator[Pair | None]:
    """Pairs of all concepts that fit, in random order; None for a draw that gives nothing."""
    final = parse_final(problem.query)
    person = person_of(final, problem.query) if final else None
    concepts = _concepts(final)
    order = Draws(RULES_VERSION, STRATEGY, seed, problem.index)
    ways: list[tuple[str, Callable[[Draws], Pair | None]]] = []
    if final:
        ways += [(concept.__name__, partial(_attached, problem, final, person, concept)) for concept in concepts]
    ways += [(f"given {given.__name__}", partial(_restated, problem, given)) for given in (*RATES, *AMOUNTS)]
    ways += [(f"given {given.__name__} again", partial(_restated, problem, given)) for given in REPEATED]
    ways += [(f"both {number}", partial(_both, problem)) for number in range(BOTH)]
    partners: set[int] = set()
    ways += [
        (f"join {number}", partial(_joined, problem, problems, number < PAID, partners)) for number in range(JOINS)
    ]
    while ways:
        name, way = ways.pop(order.below(len(ways)))
        for attempt in range(1 if name.startswith(("join", "both")) else ROUNDS):
            pair = way(Draws(RULES_VERSION, STRATEGY, seed, problem.index, name, attempt))
            yield pair
            if pair is not None:
                break


def _concepts(final: Final | None) -> list[Concept]:
    """The concepts that may fit a final question."""
    if final is None:
        return []
    if final.kind in ("money", "unit price"):
        return [*MONEY, *PRICES, *GOODS, *COMPARISONS]
    return [*THINGS, *MEASURES, *GOODS, *COMPARISONS]


def _attached(problem: Problem, final: Final, person: Person | None, concept: Concept, draws: Draws) -> Pair | None:
    """A concept for the final quantity."""
    made = concept(Story(final, problem.answer, problem.query.lower(), person, draws))
    if made is None:
        return None
    words, steps, answer = made
    before = _lines(problem)
    after = [step.text for step in steps]
    ways = [[*before, *after]]
    free = [step.text for step in steps if step.free]
    if free:
        ways.append([*free, *before, *(step.text for step in steps if not step.free)])
    return Pair(f"{final.body} {words}", tuple(_solution(way, answer) for way in ways))


def _restated(problem: Problem, given: Restate, draws: Draws) -> Pair | None:
    """Another concept for a given quantity."""
    found = given(problem, draws)
    if found is None:
        return None
    question = problem.query[: found.start] + found.text + problem.query[found.end :]
    return Pair(" ".join(question.split()), (_solution([found.step, *_lines(problem)], problem.answer),))


def _both(problem: Problem, draws: Draws) -> Pair | None:
    """Another concept for a given quantity, and one for the final quantity."""
    for given in _shuffled([*RATES, *AMOUNTS], draws):
        changed = _restated(problem, given, draws)
        if changed is None:
            continue
        source = replace(problem, query=changed.question, response=changed.solutions[0])
        final = parse_final(source.query)
        person = person_of(final, source.query) if final else None
        for concept in _shuffled(_concepts(final), draws):
            assert final is not None, "without a final question there is no concept"
            pair = _attached(source, final, person, concept, draws)
            if pair:
                return pair
    return None


def _shuffled(items: Sequence[T], draws: Draws) -> Iterator[T]:
    left = list(items)
    while left:
        yield left.pop(draws.below(len(left)))


def _joined(problem: Problem, problems: Sequence[Problem], paid: bool, partners: set[int], draws: Draws) -> Pair | None:
    """Another problem whose answer is needed too. Each partner is used once; ``partners`` has those that were used."""
    made = join(problem, problems, draws, paid)
    if made is None or made.partner in partners:
        return None
    partners.add(made.partner)
    return Pair(made.question, tuple(_solution([lines], made.answer) for lines in made.solutions))


def _lines(problem: Problem) -> list[str]:
    return [problem.response.rpartition("####")[0].strip()]


def _solution(lines: Sequence[str], answer: Fraction) -> str:
    return "\n".join([*lines, f"#### {number_text(answer)}"])
