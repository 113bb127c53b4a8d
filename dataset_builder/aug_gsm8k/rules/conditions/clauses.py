"""Conditions and what follows from them: clauses in the tense of the story, and the check in the solution."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import conjugated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Story, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import UNSPENT
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import expressions
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import WORK_VERBS, clean, fact, held, money_value
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

_LOOSE = re.compile(r"(?:with|up|the)\b")
"""The start of the words after a verb that would be torn off it: "start 20 bones with"."""
_MEANT = (
    r"gifts?|presents?|donat\w+|charity|party|sticker book|promised|for (?:his|her|their) (?:\w+ )?(?:sons?|daughters?|"
    r"child|children|kids|class|students|guests|friends?|mom|mother|dad|father|parents|brothers?|sisters?|school|team)"
)
_LAST = r"\b(?:left|remain\w*|still|now|end|after)\b"
_TAKEN = (
    r"eats?|ate|eaten|gone|gave|gives?|given|giving|sold|sells?|selling|used|uses?|using|lost|loses?|threw|shar\w+|took|"
    r"takes?|broke\w*|handed|served|distribut\w+|divid\w+|put|place[sd]?|pack\w*|spoil\w*|rotten|thrown|wants? to"
)
_STEPS = ((20, 1), (60, 5), (200, 10), (1000, 50), (5000, 100), (20_000, 1000))
"""Thresholds for values up to the first number are multiples of the second."""


@dataclass(frozen=True)
class Condition:
    """A comparison of a value with a threshold.

    Attributes:
        value, threshold: the numbers as texts, with a dollar sign if they are money.
        words: the words before the threshold, such as ``at least``.
        opposite: the words for a value that does not fulfil it, such as ``less than``.
        holds: whether the value fulfils it.
    """

    value: str
    threshold: str
    words: str
    opposite: str
    holds: bool

    @property
    def quantity(self) -> str:
        """The words for a number that fulfils it, such as "at least 20"."""
        return f"{self.words} {self.threshold}"

    @property
    def check(self) -> str:
        """The comparison that is true, such as "36 is at least 20"."""
        words = self.words.replace("fewer", "less") if self.holds else self.opposite
        return f"{self.value} is {words} {self.threshold}"


def thresholds(value: Fraction) -> list[int]:
    """Round numbers near a value, without the value itself."""
    step = next((step for limit, step in _STEPS if value < limit), 5000)
    low, high = int(value * Fraction(11, 20)), int(value * Fraction(17, 10))
    return [n for n in range(low - low % step + step, high + 1, step) if n > 1 and n != value]


def comparison(
    value: Fraction, draws: Draws, shown: Callable[[Fraction], str], less: str, up: bool | None = None
) -> Condition | None:
    """Draw a comparison of a value with a round number; None if no number fits.

    Args:
        value: the value.
        draws: random numbers.
        shown: how numbers are written.
        less: the word ``less`` or ``fewer``.
        up: whether it asks for a large value; None: either.
    """
    large = bool(draws.below(2)) if up is None else up
    holds = draws.below(5) < 3
    fits = [n for n in thresholds(value) if (value > n) == (holds == large)]
    if not fits:
        return None
    threshold = Fraction(fits[draws.below(len(fits))])
    options = [("more than", "not more than"), ("at least", "less than")]
    if not large:
        options = [(f"{less} than", "not less than"), ("at most", "more than")]
    words, opposite = options[draws.below(2)]
    if opposite == "not less than" and draws.below(2):
        opposite = "more than"
    return Condition(shown(value), shown(threshold), words, opposite, holds)


def condition(story: Story, up: bool | None = None) -> Condition | None:
    """Draw a condition on the answer; None if its clause would be no English, or no threshold fits.

    Args:
        story: the story.
        up: whether it asks for a large value; None: either.
    """
    if story.final.kind not in ("count", "money") or _LOOSE.match(story.final.tail):
        return None
    less = "less" if story.final.kind == "money" else "fewer"
    return comparison(story.value, story.draws, partial(money_value, story), less, up)


def at_hand(story: Story) -> bool:
    """Whether a person has the things that the answer counts, and nothing in the story takes them away."""
    return held(story) and lasting(story)


def lasting(story: Story) -> bool:
    """Whether the story ends with the things that the answer counts, free for another use."""
    final = story.final
    words = f"{final.rest} {final.tail}"
    if re.search(UNSPENT, words) or re.search(r"\bfor\b", final.tail) or story.says(_MEANT):
        return False
    last = final.verb in ("have", "be") and (final.tense != "past" or re.search(_LAST, words))
    return bool(last or not story.says(_TAKEN))


def is_rest(problem: Problem) -> bool:
    """Whether the answer is what is left of a given total, so that "the total" is another amount."""
    last = expressions(problem)[-1:]
    return bool(last and "-" in last[0][1]) and not re.search(r"discount|coupon|\boff\b|%|less", problem.query)


class Action(NamedTuple):
    """What a person does: the base form of a verb, and the words after it."""

    verb: str
    rest: str


def rule(story: Story, when: Condition | str, then: Action, otherwise: Action | None) -> str:
    """The sentences of a rule for the person: "If she has more than 20 eggs left, she gives 5 of them to a friend."

    Args:
        story: the story.
        when: the condition on the answer, or its clause.
        then: what the person does if it holds.
        otherwise: what the person does if it does not hold; None: nothing.
    """
    person, tense = story.actor, story.final.tense
    clause = when if isinstance(when, str) else fact(story, when.quantity)
    # "Them" needs the things before it: where the action comes first, it names them.
    things = story.phrase if story.final.kind == "money" else f"the {story.final.noun}"
    first = then.rest.replace("of them", f"of {things}", 1).replace("of the money", f"of {things}", 1)
    if tense == "past":
        opening = story.pick(["had decided to", "had planned to", "wanted to"])
        other = f", and to {otherwise.verb} {otherwise.rest} otherwise" if otherwise else ""
        if story.draws.below(2) or opening == "wanted to":
            opening = "had decided to" if opening == "wanted to" else opening
            return f"{capital(person.pronoun)} {opening} {then.verb} {first} if {clause}{other}."
        other = f". Otherwise, {person.pronoun} would {otherwise.verb} {otherwise.rest}" if otherwise else ""
        return f"If {clause}, {person.pronoun} would {then.verb} {then.rest}{other}."
    does = f"{conjugated(then.verb, tense, person.plural)} {then.rest}"
    early = f"{conjugated(then.verb, tense, person.plural)} {first}"
    if otherwise is None:
        if story.draws.below(3) == 0:
            return f"{capital(person.pronoun)} {early} if {clause}."
        return f"If {clause}, {person.pronoun} {does}."
    else_does = f"{conjugated(otherwise.verb, tense, person.plural)} {otherwise.rest}"
    return story.pick([
        f"If {clause}, {person.pronoun} {does}. Otherwise, {person.pronoun} {else_does}.",
        f"If {clause}, {person.pronoun} {does}; if not, {person.pronoun} {else_does}.",
        f"{capital(person.pronoun)} {early} if {clause}. Otherwise, {person.pronoun} {else_does}.",
    ])  # fmt: skip


def outcome(story: Story, check: str, holds: bool, consequence: str) -> str:
    """The sentence of the solution that checks the condition: "Since 36 is at least 20, she gives 5 of them away."

    Args:
        story: the story.
        check: the comparison that is true, such as ``36 is at least 20``.
        holds: whether the condition holds.
        consequence: what happens, as a clause.
    """
    does = "holds" if holds else "does not hold"
    return story.pick([
        f"Since {check}, {consequence}.",
        f"{capital(check)}, so {consequence}.",
        f"{capital(check)}, so the condition {does}, and {consequence}.",
        f"Because {check}, {consequence}.",
    ])  # fmt: skip


def doing(story: Story) -> bool:
    """Whether the person does what the answer counts, such as reading pages."""
    final = story.final
    free = not re.match(r"(?:can|could|should|would|still|initially|originally) ", final.rest)
    return bool(
        final.kind == "count" and story.person and "dollars" not in final.noun and final.verb in WORK_VERBS
        and free and not final.needed
        and clean(story) and (story.whole or 0) >= 5
        and not re.search(r"\b(?:left|still|before|originally|first|more|each|every|per|a|in total)\b", final.tail)
    )  # fmt: skip


def negative(story: Story) -> str:
    """The helper of a negated verb with the person as its subject: does not, did not, will not."""
    present = "do not" if story.actor.plural else "does not"
    return {"past": "did not", "future": "will not"}.get(story.final.tense, present)
