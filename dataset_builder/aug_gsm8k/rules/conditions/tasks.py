"""Conditions on what a person does, on people, on minutes and on ages; and bets and guesses."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import PEOPLE
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Made,
    Step,
    Story,
    amount,
    calculated,
    capital,
    names,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.things import one
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import Action, condition, doing, outcome, rule
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import clean, counted, fact


def reward(story: Story) -> Made | None:
    """Points for each mile, more of them if there are many miles."""
    when = condition(story, up=True)
    final = story.final
    if not doing(story) or when is None or story.says(r"points?|stickers?|stars?|contest|score\w*|goals?|games?"):
        return None
    noun = final.noun
    if " of " in noun and not re.match(r"(?:boxes|bags|bottles|loaves|pairs|pounds|gallons|cups|jars) of", noun):
        return None
    person, whole = story.actor, story.whole or 0
    low = 1 + story.draws.below(3)
    high = low + 1 + story.draws.below(2)
    what = story.pick(["points", "stickers", "stars"])
    giver = story.pick([f"{person.possessive} teacher", f"{person.possessive} aunt", f"{person.possessive} mother"])
    if what == "points" or person.pronoun in ("I", "you"):
        giver, what = story.pick(["a contest", "a competition"]), "points"
    if story.says(giver.split()[-1]):
        return None
    item = one(noun.partition(" of ")[0]) + (f" of {noun.partition(' of ')[2]}" if " of " in noun else "")
    word = what if high > 1 else what[:-1]
    lower = f"{low} {what if low > 1 else what[:-1]}"
    clause = fact(story, when.quantity)
    if giver.startswith("a "):
        sentence = (
            f"In {giver}, {person.pronoun} {story.verb('get')} {high} {word} for each {item} if {clause}, and {lower}"
        )
        sentence += f" for each {item} otherwise."
    elif final.tense == "past":
        sentence = (
            f"{capital(giver)} had promised to give {person.objective} {high} {word} for each {item} if {clause}, and"
        )
        sentence += f" {lower} for each {item} otherwise."
    else:
        sentence = (
            f"{capital(giver)} {story.other('give')} {person.objective} {high} {word} for each {item} if {clause}, and"
        )
        sentence += f" {lower} for each {item} otherwise."
    rate = high if when.holds else low
    shown = f"{rate} {what if rate > 1 else what[:-1]}"
    return (
        f"{sentence} How many {what} {story.asked('get')}?",
        [
            Step(
                outcome(story, when.check, when.holds, f"{person.pronoun} {story.verb('get')} {shown} for each {item}")
            ),
            Step(f"{capital(person.pronoun)} {story.verb('get')} {calculated(f'{whole}*{rate}')} {what}."),
        ],
        Fraction(whole * rate),
    )


def tickets(story: Story) -> Made | None:
    """A group pays a lower price for each person."""
    final = story.final
    noun, when = final.noun, condition(story, up=True)
    if not counted(story) or not PEOPLE.search(noun) or when is None or final.needed or (story.whole or 0) > 150:
        return None
    if "$" in story.text or story.says("tickets?|price|cost|costs|zoo|museum|absent|sick|died"):
        return None
    past = final.tense == "past"
    low = story.pick([5, 6, 8, 10])
    high = low + story.pick([1, 2, 3])
    place = story.pick(["a museum", "a zoo", "a boat tour", "a science show", "an aquarium", "a concert"])
    cost, go = ("cost", "went") if past else ("costs", "go")
    rate = low if when.holds else high
    return (
        f"All of {story.phrase} {go} to {place}, where a ticket {cost} ${low} in a group of {when.quantity} people, and"
        f" ${high} otherwise. How much {'did' if past else 'do'} their tickets cost?",
        [
            Step(outcome(story, when.check, when.holds, f"a ticket {cost} ${rate}")),
            Step(f"The tickets cost {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


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


_STAKES = [
    ("muffins", 2, 3), ("cups of hot chocolate", 2, 4), ("sandwiches", 4, 6), ("movie tickets", 8, 12),
    ("ice cream cones", 2, 4), ("comic books", 3, 5), ("slices of cake", 3, 5), ("smoothies", 4, 6),
]  # fmt: skip
_FRIENDS = ["Omar", "Nadia", "Felipe", "Ingrid", "Kofi", "Yara", "Henrik", "Priya", "Mateo", "Sana"]


def _clear(story: Story, clause: str) -> str | None:
    """The clause with a name in the place of its subject, since two other persons come before it."""
    final = story.final
    if not final.subject or re.match(r"[A-Z]|the |it\b", final.subject):
        if story.person and re.match(r"[A-Z]", final.subject):
            return clause.replace(f"{story.person.pronoun} ", f"{final.subject} ", 1)
        return clause
    found = names(final.body)
    if final.subject not in ("he", "she") or len(found) != 1 or re.search(r"\b(?:him|her|his|hers)\b", clause):
        return None
    return clause.replace(f"{final.subject} ", f"{found.pop()} ", 1)


def bet(story: Story) -> Made | None:
    """Two friends bet on the answer; the loser pays."""
    final = story.final
    when = condition(story)
    plain = final.subject not in ("I", "we", "you") and not final.needed and final.verb not in ("", "take")
    if when is None or final.kind == "age" or not plain or not clean(story) or (story.whole or 0) < 3:
        return None
    free = [name for name in _FRIENDS if not story.says(name.lower())]
    one_ = story.pick(free)
    two = story.pick([name for name in free if name != one_])
    first, second = story.pick(_STAKES), story.pick(_STAKES)
    if first == second or story.says(f"{first[0].split()[-1]}|{second[0].split()[-1]}"):
        return None
    clause = _clear(story, fact(story, when.quantity))
    if clause is None:
        return None
    many, price = 2 + story.draws.below(4), story.pick([*range(first[1], first[2] + 1)])
    other, cost = 2 + story.draws.below(4), story.pick([*range(second[1], second[2] + 1)])
    if many * price == other * cost:
        return None
    start = story.pick([
        f"{one_} and {two} bet on the result. If {clause},",
        f"{one_} makes a bet with {two}. If {clause},",
        f"{one_} claims that {clause}, but {two} does not believe it, and they make a bet. If {one_} is right,",
    ])  # fmt: skip
    sentence = f"{start} {two} buys {many} {first[0]} for ${price} each. Otherwise, {one_} buys {other} {second[0]} for"
    sentence += f" ${cost} each. How much does the loser of the bet pay?"
    who, what, count, each = (two, first[0], many, price) if when.holds else (one_, second[0], other, cost)
    return (
        sentence,
        [
            Step(outcome(story, when.check, when.holds, f"{who} buys the {what}")),
            Step(f"{who} pays {calculated(f'{count}*{each}', True)}."),
        ],
        Fraction(count * each),
    )


def guess(story: Story) -> Made | None:
    """A guess scores more points if it is near the answer."""
    final, whole = story.final, story.whole or 0
    plain = final.subject not in ("I", "we", "you") and not final.needed and final.verb not in ("", "take")
    if final.kind != "count" or not plain or not clean(story) or not 10 <= whole <= 400:
        return None
    near = max(2, whole // 10)
    distance = 1 + story.draws.below(2 * near)
    guessed = whole + distance if story.draws.below(2) else whole - distance
    clause = _clear(story, fact(story, f"exactly {guessed}"))
    if clause is None or guessed < 3 or story.says(r"guess\w*|points?|game"):
        return None
    name = story.pick([name for name in _FRIENDS if not story.says(name.lower())])
    most = 10 * (2 * near // 10 + 2)
    bonus = story.pick([5, 10, 15, 20])
    more, less = max(whole, guessed), min(whole, guessed)
    sentence = story.pick([
        f"In a guessing game, {name} guesses that {clause}. A guess scores {most} points minus its distance from the"
        f" true number. If this distance is at most {near}, there is a bonus of {bonus} points. How many points does"
        f" {name} get?",
        f"{name} guesses that {clause}. For the guess, {name} gets {most} points minus the distance from the true"
        f" number, and {bonus} extra points if the distance is at most {near}. How many points does {name} get?",
    ])  # fmt: skip
    steps = [
        Step(f"The guess is {calculated(f'{more}-{less}')} away from the true number."),
        Step(f"Without a bonus, {name} gets {calculated(f'{most}-{distance}')} points."),
    ]
    if distance > near:
        check = f"{distance} is more than {near}"
        text = outcome(story, check, False, f"there is no bonus, and {name} gets {most - distance} points")
        return sentence, [*steps, Step(text)], Fraction(most - distance)
    steps.append(Step(outcome(story, f"{distance} is at most {near}", True, "the bonus is added")))
    steps.append(Step(f"{name} gets {calculated(f'{most - distance}+{bonus}')} points."))
    return sentence, steps, Fraction(most - distance + bonus)


TASKS: tuple[Rewrite, ...] = (reward, tickets, breaks, fare, bet, guess)
"""Conditions on what is done, on people, on minutes and on ages, bets and guesses."""
