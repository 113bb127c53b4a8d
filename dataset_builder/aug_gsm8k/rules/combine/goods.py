"""More concepts that join a number of things or people: value, tickets, area, length, shares and the rate per day."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import PEOPLE
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Concept,
    Made,
    Step,
    Story,
    amount,
    calculated,
    capital,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import AREA, LONG, TALL, WORTH
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.things import HELD, one

_MADE = {
    "sell", "bake", "make", "read", "write", "pick", "collect", "catch", "eat", "drink", "wash", "knit", "paint",
    "plant",
    "find", "use", "draw", "iron", "cook", "deliver", "answer", "fold", "sew", "harvest", "gather", "watch", "visit",
    "fill", "carry", "run", "walk", "ride", "swim", "drive", "bike", "hike", "jog", "build", "produce", "send",
    "burn", "earn", "type", "clean", "pack", "wrap", "grow", "prepare", "raise", "cut", "move",
}  # fmt: skip
"""Verbs of what one does bit by bit."""

_NOT_GIVEN = (
    r"(?:grams|kilograms|pounds|ounces|gallons|liters|cups|tons|meters|hours|minutes|miles|points|years|days|calories|pages|games|votes|people|children|students|kids|friends|customers|"
    r"weeks|degrees|houses|siblings|wins|goals|feet|months|pets|dogs|cats|rooms|legs|wheels|seats|classes|questions|laps)\b"
)
"""Nouns of what one does not give away."""


def _look(table: dict[str, tuple[int, ...]], noun: str) -> tuple[int, ...]:
    """The entry of a noun, by its last three, two or one words."""
    words = noun.lower().split()
    for size in (3, 2, 1):
        found = table.get(" ".join(words[-size:]))
        if found and (size > 1 or " of " not in noun):
            return found
    return ()


def _counted(story: Story) -> int:
    """The answer if it is a whole number of things that are really there, else 0."""
    final = story.final
    if final.kind != "count" or final.needed or final.rest.startswith(("can ", "should ")) or not story.whole:
        return 0
    return story.whole


def _worth(story: Story) -> Made | None:
    noun, whole = story.final.noun, _counted(story)
    prices = _look(WORTH, noun)
    if (
        not whole
        or not prices
        or "$" in story.text
        or story.says(r"costs?|prices?|dollars?|cents|money|paid|pays?|worth")
    ):
        return None
    price, single = story.pick(prices), one(noun.partition(" of ")[0]) + "".join(noun.partition(" of ")[1:])
    is_ = "was" if story.final.tense == "past" else "is"
    are = "were" if story.final.tense == "past" else "are"
    value = Fraction(whole * price)
    if story.final.verb == "sell" and story.person:
        return (
            f"{capital(story.actor.pronoun)} {story.verb('get')} ${price} for each {single}. How much money"
            f" {story.asked('get')} for {story.phrase}?",
            [Step(f"{capital(story.actor.pronoun)} {story.verb('get')} {calculated(f'{whole}*{price}', money=True)}.")],
            value,
        )
    if story.final.verb not in HELD | {"be", "sell"}:
        return None
    return (
        f"Each {single} {is_} worth ${price}. How much {are} {story.phrase} worth in total?",
        [Step(f"They {are} worth {calculated(f'{whole}*{price}', money=True)} in total.")],
        value,
    )


def _tickets(story: Story) -> Made | None:
    noun, whole = story.final.noun, _counted(story)
    if (
        not whole
        or not PEOPLE.search(noun)
        or "$" in story.text
        or story.says("tickets?|money|pays?|paid|costs?|donat\\w+")
    ):
        return None
    past = story.final.tense == "past"
    price = story.pick([2, 3, 4, 5])
    what = story.pick(["a snack", "a souvenir", "a snack", "a drink"])
    total = Fraction(whole * price)
    goal = story.pick([None, (int(total) // 10 + 2 + story.draws.below(5)) * 10])
    step = Step(f"Together, they {'paid' if past else 'pay'} {calculated(f'{whole}*{price}', money=True)}.")
    start = f"Each of {story.phrase} {'paid' if past else 'pays'} ${price} for {what}"
    if goal is None or what != "a snack":
        return f"{start}. How much {'did' if past else 'do'} they pay in total?", [step], total
    return (
        f"Each of {story.phrase} {'gave' if past else 'gives'} ${price} to a charity that"
        f" {'needed' if past else 'needs'}"
        f" ${goal}. How much more money {'did' if past else 'does'} the charity need?",
        [
            Step(f"Together, they {'gave' if past else 'give'} {calculated(f'{whole}*{price}', money=True)}."),
            Step(f"The charity still {'needed' if past else 'needs'}"
                 f" {calculated(f'{goal}-{amount(total)}', money=True)}."),
        ],
        goal - total,
    )  # fmt: skip


def _covered(story: Story) -> Made | None:
    noun, whole = story.final.noun, _counted(story)
    areas = _look(AREA, noun)
    if (
        not whole
        or not areas
        or story.says(r"inch\w*|square|area|wide|long|centimeters?|feet")
        or noun.startswith("boxes")
    ):
        return None
    area = story.pick(areas)
    if story.draws.below(2) or whole * area < 60:
        sides = [n for n in (2, 3, 4, 5, 6, 8) if area % n == 0 and n * n <= area]
        side = sides[-1] if sides else 0
        if not side:
            return None
        return (
            f"Each {one(noun.partition(' of ')[0])} is {side} inches wide and {area // side} inches long. How"
            f" many square"
            f" inches do {story.phrase} cover if they lie side by side?",
            [
                Step(f"The area of each {one(noun.partition(' of ')[0])} is"
                     f" {calculated(f'{side}*{area // side}')} square"
                     " inches.", free=True),
                Step(f"Together, they cover {calculated(f'{whole}*{area}')} square inches."),
            ],
            Fraction(whole * area),
        )  # fmt: skip
    return (
        f"Each {one(noun.partition(' of ')[0])} covers {area} square inches. How many square inches do"
        f" {story.phrase} cover"
        " if none lies on another?",
        [Step(f"They cover {calculated(f'{whole}*{area}')} square inches.")],
        Fraction(whole * area),
    )


def _stacked(story: Story) -> Made | None:
    noun, whole = story.final.noun, _counted(story)
    thick = _look(TALL, noun)
    if (
        not whole
        or not 3 <= whole <= 500
        or not thick
        or " of " in noun
        or story.says("thick\\w*|tall|centimeters?|high|sold")
    ):
        return None
    if story.final.verb not in HELD | {"be", "read"}:
        return None
    size = story.pick(thick)
    total = whole * size
    shelf = [n for n in (60, 80, 90, 100, 120) if total % n == 0 and total // n >= 2]
    plural = f"{size} centimeter{'s' if size > 1 else ''}"
    step = Step(f"They need {calculated(f'{whole}*{size}')} centimeters.")
    if (
        noun.split()[-1] in ("books", "notebooks", "magazines", "dvds", "movies", "cds")
        and shelf
        and not story.says("shel\\w+")
    ):
        board = story.pick(shelf)
        return (
            f"Each {one(noun)} is {plural} thick, and a shelf is {board} centimeters long. How many shelves are"
            f" needed for"
            f" {story.phrase}?",
            [step, Step(f"This fills {calculated(f'{total}/{board}')} shelves.")],
            Fraction(total, board),
        )
    if noun.split()[-1] in ("movies", "chairs", "dvds", "cds") or total > 400:
        return None
    wide = noun.split()[-1] in ("plates", "pancakes", "bricks", "towels", "boxes", "blocks", "tires", "cans")
    return (
        f"Each {one(noun)} is {plural} {'high' if wide else 'thick'}. How many centimeters high is a stack of all of"
        f" {story.phrase}?",
        [Step(f"The stack is {calculated(f'{whole}*{size}')} centimeters high.")],
        Fraction(total),
    )


def _in_line(story: Story) -> Made | None:
    noun, whole = story.final.noun, _counted(story)
    sizes = _look(LONG, noun)
    if not whole or not sizes or " of " in noun or story.final.verb not in HELD | {"be"} or not 3 <= whole <= 600:
        return None
    if story.says(r"long|meters?|centimeters?|inches|feet|length|line"):
        return None
    size = story.pick(sizes)
    total = whole * size
    start = f"Each {one(noun)} is {size} centimeters long"
    if total % 10 == 0 and total >= 200:
        return (
            f"{start}. If {story.phrase} lie end to end in a straight line, how many meters long is the line?",
            [
                Step(f"The line is {calculated(f'{whole}*{size}')} centimeters long."),
                Step(f"This is {calculated(f'{total}/100')} meters."),
            ],
            Fraction(total, 100),
        )
    return (
        f"{start}. If {story.phrase} lie end to end in a straight line, how many centimeters long is the line?",
        [Step(f"The line is {calculated(f'{whole}*{size}')} centimeters long.")],
        Fraction(total),
    )


def _divided(story: Story) -> Made | None:
    noun, whole = story.final.noun, _counted(story)
    left = story.final.verb == "be" and re.search(r"\b(?:left|remain\w*)\b", story.phrase)
    held = (story.final.verb in HELD or left) and not re.match(r"(?:to|for|at|in)\b", story.final.tail)
    ratios = [(a, b) for a, b in ((1, 2), (2, 3), (1, 3), (3, 4), (3, 5), (2, 5), (3, 2), (2, 1), (4, 3))
              if whole % (a + b) == 0 and whole // (a + b) >= 2]  # fmt: skip
    if not held or not ratios or not story.person or re.match(_NOT_GIVEN, noun):
        return None
    pairs = [("cousin", "neighbor"), ("aunt", "uncle"), ("sister", "brother"), ("niece", "nephew")]
    fits = [pair for pair in pairs if not any(story.says(f"{who}s?|siblings") for who in pair)]
    if not fits or story.says("ratio|equally|share[sd]?|gives?|gave|donat\\w+"):
        return None
    (a, b), (first, second) = story.pick(ratios), story.pick(fits)
    part = Fraction(whole, a + b)
    person = story.actor
    return (
        f"{capital(person.name)} {story.verb('divide')} {story.phrase} between {person.possessive} {first} and"
        f" {person.possessive} {second} in the ratio {a}:{b}. How many {noun} {story.asked('get', 'the ' + second)}?",
        [
            Step(f"There are {calculated(f'{a}+{b}')} equal parts.", free=True),
            Step(f"Each part has {calculated(f'{whole}/{a + b}')} {noun}."),
            Step(f"The {second} {story.other('get')} {calculated(f'{b}*{part}')} {noun}."),
        ],
        b * part,
    )


def _per_day(story: Story) -> Made | None:
    final = story.final
    noun, whole = final.noun, story.whole or 0
    spans = [n for n in (2, 3, 4, 5, 6, 7, 8, 10, 12) if whole % n == 0 and whole // n >= 2]
    doing = final.kind == "count" and final.verb in _MADE and not final.rest.startswith(("can ", "should "))
    if not doing or final.needed or not spans or not story.person or " to " in f" {final.tail} ":
        return None
    if story.says(
        r"\w*days?|hours?|hourly|daily|minutes?|weeks?|weekly|months?|years?|monday|tuesday|wednesday|thursday|friday|"
        r"saturday|sunday|morning|afternoon|evening|night|tonight|january|june|july|summer|lunch|dinner|breakfast|birthday|"
        r"party|game|test|trip|first|second|third|average|when|while|speed|pizzas?|recipe"
    ):
        return None
    days = story.pick(spans)
    took = {"past": "took", "future": "will take"}.get(final.tense, "takes")
    person = story.actor
    what = f"{final.verb} {story.phrase}"
    return (
        f"It {took} {person.objective} {days} days to {what}. How many {noun} {story.asked(final.verb)} per day, on"
        " average?",
        [
            Step(
                f"On average, {person.pronoun} {story.verb(final.verb)} {calculated(f'{whole}/{days}')} {noun} per day."
            )
        ],
        Fraction(whole, days),
    )


def _second_round(story: Story) -> Made | None:
    """The average of the quantity and of that of another month."""
    final = story.final
    money = final.kind == "money"
    doing = final.verb in {
        "earn",
        "make",
        "sell",
        "save",
        "collect",
        "bake",
        "read",
        "spend",
        "raise",
        "receive",
        "write",
    }
    if (
        final.kind == "age"
        or final.needed
        or not doing
        or not story.person
        or not story.whole
        or final.tail
        or " can " in final.rest
    ):
        return None
    period = next((p for p in ("month", "week", "weekend") if not story.says(f"{p}s?|{p}ly")), "")
    if story.says(r"days?|weeks?|months?|years?|average|next|last|january|monday|hours?|weekends?") or not period:
        return None
    low, high = max(2, story.whole // 2), story.whole * 2
    other = low + story.draws.below(high - low)
    if other == story.whole or (other + story.whole) % 2 or str(other) in re.findall(r"[0-9]+", story.text):
        return None
    noun = "money" if money else final.noun
    shown = f"${other}" if money else f"{other} {noun}"
    both = story.whole + other
    verb = story.verb(final.verb)
    many = f"How {'much' if money else 'many'} {noun}"
    happen = {"past": "happened", "future": "will happen"}.get(final.tense, "happens")
    when = "the next" if final.tense != "past" else "the following"
    return (
        f"All of this {happen} in one {period}. In {when} {period}, {story.actor.pronoun} {verb} {shown}. {many}"
        f" {story.asked(final.verb)} per {period}, on average, in these two {period}s?",
        [
            Step(f"In both {period}s together, {story.actor.pronoun} {verb}"
                 f" {calculated(f'{story.whole}+{other}', money=money)}"
                 f"{'' if money else ' ' + noun}."),
            Step(f"On average, {story.actor.pronoun} {verb} {calculated(f'{both}/2', money=money)}"
                 f"{'' if money else ' ' + noun} per {period}."),
        ],
        Fraction(both, 2),
    )  # fmt: skip


GOODS: tuple[Concept, ...] = (
    _worth, _tickets, _covered, _stacked, _in_line, _divided, _per_day, _second_round,
)  # fmt: skip
"""More concepts for a number of things or people."""
