"""Rewrite GSM8K problems: vary numbers, put in sentences and steps, and draw until there are enough checked pairs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.rules import change_numbers
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import Final, parse_final, sentences
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    PRONOUNS,
    Made,
    Person,
    Story,
    gender,
    names,
    person_of,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.names import BOYS, GIRLS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import RULES_VERSION, Pair, fault
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text

REFUSED = {
    "long": "the question or the solution is too long for another sentence",
    "annotations": "an annotation is missing or not exactly right, or the last one is not the answer",
    "algebra": "the solution solves for an unknown",
    "unexplained": "a number of the solution has no known source, or an equation does not hold",
    "no_rewrite": "no rewriting fits the question",
}
"""Reason why a source gives no pair -> its meaning."""

DROPPED = {
    "misfit": "the rewriting does not fit the drawn numbers",
    "fault": "the pair fails the check that every strategy applies",
    "same": "the question equals an earlier one of the source",
}
"""Reason why a draw is dropped -> its meaning."""

BASES = 10
"""Number of variants with other numbers that a source is rewritten in, beside the source itself."""
ROUNDS = 3
"""Number of draws for a rewriting of a variant."""
MOST_OF_A_KIND = 8
"""Default of the maximum number of pairs of one kind from a source."""

_ANNOTATION = re.compile(r"<<([^<>]*)=[^<>=]*>>")

Rewrite = Callable[[Story], Made | None]


@lru_cache(maxsize=2)
def _varied(problem: Problem, seed: int, count: int) -> tuple[tuple[str, str], ...]:
    """(question, solution) of up to ``count`` variants with other numbers."""
    other = Draws("bases", RULES_VERSION, seed).below(2**32)
    pairs = change_numbers.augment(problem, other, count, ())[0]
    return tuple((pair.question, pair.solutions[0]) for pair in pairs)


def bases(problem: Problem, seed: int, count: int = BASES) -> list[Problem]:
    """The source, and up to ``count`` variants of it with other numbers."""
    found = [prepared(problem)]
    for question, solution in _varied(problem, seed, count):
        tail = solution.rpartition("####")[2].strip().replace(",", "")
        found.append(prepared(Problem(problem.index, question, solution, Fraction(tail))))
    return found


_LATER_IF = re.compile(r"^(?P<ask>[Hh]ow (?:many|much) [^,?]*?),? if (?P<premise>[^?]+)\?$")
_ASIDE = re.compile(r",? (?:in total|in dollars|altogether|in all),(?= (?:did|does|do|will|are|is)\b)")


def prepared(problem: Problem) -> Problem:
    """The problem with its final question in the order "If ..., how many ...?" and without asides."""
    query = " ".join(problem.query.split())
    last = sentences(query)[-1]
    plain = _ASIDE.sub("", last)
    match = _LATER_IF.match(plain)
    if match and " if " not in match["premise"].lower() and not plain.lower().startswith("if"):
        ask = f"{match['ask'][0].lower()}{match['ask'][1:]}"
        plain = f"If {match['premise'].strip()}, {ask}?"
    return Problem(problem.index, query[: len(query) - len(last)] + plain, problem.response, problem.answer)


def _person(final: Final, query: str) -> Person | None:
    """Who acts in the final question, also for more first names than ``person_of`` knows."""
    person = person_of(final, query)
    pronoun = "he" if final.subject in BOYS else "she" if final.subject in GIRLS else ""
    alone = not names(query) - {final.subject}
    if person is None and pronoun and (not alone or gender(query) in ("", pronoun)):
        return Person(final.subject, *PRONOUNS[pronoun], plural=False)
    return person


@lru_cache(maxsize=64)
def final_of(query: str) -> tuple[Final | None, Person | None]:
    """The final question of a problem and who acts in it; None for what is not found."""
    final = parse_final(query)
    return final, None if final is None else _person(final, query)


def _named(text: str, person: Person) -> str:
    """The text with the person's name in the place of the first pronoun, unless the name comes before it."""
    match = re.search(rf"\b(?:{person.pronoun}|{person.objective}|{person.possessive})\b", text, re.IGNORECASE)
    if match is None or person.name in text[: match.start()]:
        return text
    word = match[0].lower()
    after = text[match.end() :]
    owns = word == person.possessive and not (word == "her" and re.match(r" (?:\d|\$|a |an |to |more )", after))
    name = person.name
    if owns:
        name = f"{name}'" if name.endswith("s") and " and " in name else f"{name}'s"
    return f"{text[: match.start()]}{name}{after}"


def attached(problem: Problem, rewrite: Rewrite, draws: Draws) -> Pair | None:
    """Put new last sentences in the place of the final question, and new steps behind those of the solution.

    Args:
        problem: the source, or its variant.
        rewrite: makes the new sentences, the new steps and the new answer.
        draws: random numbers.
    """
    final, person = final_of(problem.query)
    if final is None:
        return None
    story = Story(final, problem.answer, problem.query.lower(), person, draws)
    try:
        made = rewrite(story)
    except ValueError:
        return None
    if made is None:
        return None
    words, steps, answer = made
    if story.person and re.match(r"[A-Z]", final.subject):
        words = _named(words, story.person)
        steps = [steps[0]._replace(text=_named(steps[0].text, story.person)), *steps[1:]]
    before = problem.response.rpartition("####")[0].strip()
    ways = [[before, *(step.text for step in steps)]]
    free = [step.text for step in steps if step.free]
    if free:
        ways.append([*free, before, *(step.text for step in steps if not step.free)])
    return Pair(f"{final.body} {words}", tuple("\n".join([*way, f"#### {number_text(answer)}"]) for way in ways))


class Given(NamedTuple):
    """A given quantity, stated in another way.

    Attributes:
        start, end: its place in the question.
        text: the new words.
        step: the step that computes or explains the old quantity.
        line: the 0-based line of the solution before which the step stands.
    """

    start: int
    end: int
    text: str
    step: str
    line: int = 0


Restate = Callable[[Problem, Draws], Given | None]
Way = Callable[[Draws], Pair | None]


def restated(problem: Problem, given: Restate, draws: Draws) -> Pair | None:
    """Put another statement in the place of a given quantity, and its step into the solution."""
    try:
        found = given(problem, draws)
    except ValueError:
        return None
    if found is None:
        return None
    question = problem.query[: found.start] + found.text + problem.query[found.end :]
    lines = problem.response.strip().split("\n")
    return Pair(" ".join(question.split()), ("\n".join([*lines[: found.line], found.step, *lines[found.line :]]),))


def once(query: str, number: str) -> bool:
    """Whether a number stands only once in the question."""
    return sum(query[start:end] == number for start, end, _ in spans(query)) == 1


def expressions(problem: Problem) -> list[tuple[int, str]]:
    """(0-based line, left side) of all annotations of the solution."""
    lines = problem.response.strip().split("\n")
    return [(at, m[1].replace(" ", "")) for at, line in enumerate(lines) for m in _ANNOTATION.finditer(line)]


def first_line(problem: Problem, value: Fraction) -> int:
    """The 0-based line of the solution that is the first to write a value. Raises ValueError if there is none."""
    for at, line in enumerate(problem.response.strip().split("\n")):
        if any(number == value for _, _, number in spans(line)):
            return at
    raise ValueError(f"the solution does not write {value}")


def offers(
    strategy: str, problem: Problem, seed: int, count: int, ways: dict[str, list[Way]], most: int = MOST_OF_A_KIND
) -> tuple[list[Pair], Counter[str]]:
    """Draw from the ways in random order until there are ``count`` pairs.

    Args:
        strategy: name of the strategy.
        problem: the source.
        seed: seed of all draws.
        count: maximum number of pairs.
        ways: {kind of rewriting: its ways, one for each variant of the source}. Every kind is used once before any is
            used twice.
        most: maximum number of pairs of one kind.

    Returns:
        (pairs, number of dropped draws by key of DROPPED).
    """
    dropped: Counter[str] = Counter()
    pairs: list[Pair] = []
    seen: set[str] = set()
    for pair in _drawn(strategy, problem, seed, ways, most):
        if pair is None:
            dropped["misfit"] += 1
        elif pair.question in seen:
            dropped["same"] += 1
        elif any(fault(pair.question, solution) for solution in pair.solutions):
            dropped["fault"] += 1
        else:
            seen.add(pair.question)
            pairs.append(pair)
            if len(pairs) == count:
                break
    return pairs, dropped


def _drawn(strategy: str, problem: Problem, seed: int, ways: dict[str, list[Way]], most: int) -> Iterator[Pair | None]:
    """The pairs of all ways; None for a draw that gives nothing. A way that gives nothing in ROUNDS draws ends."""
    order = Draws(RULES_VERSION, strategy, seed, problem.index)
    left = {kind: list(enumerate(each)) for kind, each in ways.items()}
    for _ in range(most):
        kinds = [kind for kind, each in left.items() if each]
        while kinds:
            kind = kinds.pop(order.below(len(kinds)))
            done = False
            while left[kind] and not done:
                at, way = left[kind].pop(order.below(len(left[kind])))
                for attempt in range(ROUNDS):
                    pair = way(Draws(RULES_VERSION, strategy, seed, problem.index, kind, at, attempt))
                    yield pair
                    done = pair is not None
                    if done:
                        break
