"""Conditions on minutes and on ages: breaks, and prices of tickets."""

from __future__ import annotations

from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Made,
    Step,
    Story,
    amount,
    calculated,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import Action, condition, outcome, rule
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import clean, fact


def breaks(story: Story) -> Made | None:
    """A long task has a break."""
    final = story.final
    when = condition(story, up=True)
    if final.kind != "count" or final.noun != "minutes" or when is None or (story.whole or 0) < 20 or not clean(story):
        return None
    if final.verb not in ("take", "practice", "work", "study", "exercise", "walk", "run", "read") or final.needed:
        return None
    person, past = story.person, final.tense == "past"
    if final.subject != "it" and person is None:
        return None
    length = story.pick([5, 10, 15])
    clause = fact(story, when.quantity)
    if person is None:
        there_is = {"past": "there was", "future": "there will be"}.get(final.tense, "there is")
        sentence = f"If {clause}, {there_is} a break of {length} minutes."
        ask = f"How many minutes {'did' if past else 'will' if final.tense == 'future' else 'does'} it take in all?"
        yes, no = f"{there_is} a break", f"{there_is} no break"
        total = "In all, it took" if past else "In all, it will take" if final.tense == "future" else "In all, it takes"
    else:
        sentence = rule(story, when, Action("take", f"a break of {length} minutes in between"), None)
        ask = f"How many minutes {'did' if past else 'will' if final.tense == 'future' else 'does'} that take"
        ask += " in all, with the break if there is one?"
        negative = {"past": "did not take", "future": "will not take"}.get(final.tense, "does not take")
        negative = "do not take" if person.plural and final.tense == "present" else negative
        yes, no = f"{person.pronoun} {story.verb('take')} the break", f"{person.pronoun} {negative} a break"
        total = f"In all, that {story.other('take')}"
    if not when.holds:
        return (
            f"{sentence} {ask}",
            [Step(f"{outcome(story, when.check, False, no)} {total} {story.whole} minutes.")],
            (story.value),
        )
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, True, yes)),
            Step(f"{total} {calculated(f'{story.whole}+{length}')} minutes."),
        ],
        story.value + length,
    )


def fare(story: Story) -> Made | None:
    """The price of a ticket depends on an age."""
    final = story.final
    if final.kind != "age" or not 4 <= story.value <= 90 or story.value.denominator != 1 or "$" in story.text:
        return None
    name = final.head.removesuffix("'s age")
    limit = story.pick([12, 16, 18]) if story.value < 30 else story.pick([50, 60, 65])
    high, low = story.pick([8, 9, 10, 12, 15]), story.pick([4, 5, 6, 7])
    visits = 2 + story.draws.below(5)
    if limit < 30:
        words, holds = f"under {limit}", story.value < limit
    else:
        words, holds = f"at least {limit} years old", story.value >= limit
    place = story.pick(["the swimming pool", "the museum", "the zoo", "the movie theater", "the skating rink"])
    people = "people who are " if limit >= 30 else "people "
    rate = low if holds else high
    true = {True: f"{story.whole} is {'less than' if limit < 30 else 'at least'} {limit}",
            False: f"{story.whole} is {'not less than' if limit < 30 else 'less than'} {limit}"}[holds]  # fmt: skip
    return (
        f"A visit to {place} costs ${low} for {people}{words}, and ${high} for everybody else. How much does {name} pay"
        f" for {visits} visits?",
        [
            Step(outcome(story, true, holds, f"{name} pays ${rate} for a visit")),
            Step(f"For {visits} visits, {name} pays {calculated(f'{visits}*{amount(rate)}', True)}."),
        ],
        Fraction(visits * rate),
    )


TASKS: tuple[Rewrite, ...] = (breaks, fare)
"""Conditions on minutes and on ages."""
