"""More concepts that join a number of things: value, area, height, length and shares."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Concept, Made, Step, Story, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import FLAT, FOOD, GOODS, LONG, SIDES, TALL, WORTH
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.things import one, there

_GIVEN = re.compile(
    rf"(?:[a-z]+ )?(?:{'|'.join([*FOOD, *GOODS, FLAT])}|toys|dolls|flowers|roses|tulips|video games|board games)|"
    r"(?:pieces|bars) of (?:candy|chocolate)|bags of chips"
)
"""Nouns of what one gives away piece by piece."""


def _look(table: dict[str, tuple], noun: str) -> tuple:
    """The entry of a noun, by its last three, two or one words."""
    words = noun.lower().split()
    for size in (3, 2, 1):
        found = table.get(" ".join(words[-size:]))
        if found and (size > 1 or " of " not in noun):
            return found
    return ()


def _worth(story: Story) -> Made | None:
    final, noun = story.final, story.final.noun
    prices = _look(WORTH, noun)
    sold = final.kind == "count" and final.verb == "sell" and story.person and not final.needed
    whole = (story.whole or 0) if sold and not final.rest.startswith(("can ", "should ")) else there(story)
    if not 0 < whole <= 2000 or not prices or "$" in story.text or re.search("coins|quarters|dimes", noun):
        return None
    if story.says(r"costs?|prices?|dollars?|cents|money|paid|pays?|worth|stuffed|toys?"):
        return None
    price, single = story.pick(prices), one(noun.partition(" of ")[0]) + "".join(noun.partition(" of ")[1:])
    value = Fraction(whole * price)
    if sold:
        who = story.actor.pronoun
        return (
            f"{capital(who)} {story.verb('get')} ${price} for each {single}. How much money {story.asked('get')} for"
            f" {story.phrase}?",
            [Step(f"{capital(who)} {story.verb('get')} {calculated(f'{whole}*{price}', money=True)}.")],
            value,
        )
    is_, are = ("was", "were") if final.tense == "past" else ("is", "are")
    ask = story.pick(
        [f"How much {are} {story.phrase} worth in total?", f"What {is_} the total value of {story.phrase}?"]
    )
    return (
        f"Each {single} {is_} worth ${price}. {ask}",
        [Step(f"They {are} worth {calculated(f'{whole}*{price}', money=True)} in total.")],
        value,
    )


def _covered(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    sides = _look(SIDES, noun)
    if not whole or not sides or story.says(r"inch\w*|square|area|wide|long|centimeters?|feet|sizes?"):
        return None
    (width, length), single = story.pick(sides), one(noun.partition(" of ")[0])
    area = width * length
    return (
        f"Each {single} is {width} inches wide and {length} inches long. How many square inches do {story.phrase} cover"
        " if they lie side by side?",
        [
            Step(f"The area of each {single} is {calculated(f'{width}*{length}')} square inches.", free=True),
            Step(f"Together, they cover {calculated(f'{whole}*{area}')} square inches."),
        ],
        Fraction(whole * area),
    )


def _stacked(story: Story) -> Made | None:
    noun = story.final.noun
    whole = (story.whole or 0) if story.final.verb == "read" and noun.endswith("books") else there(story)
    thick = _look(TALL, noun)
    if not 3 <= whole <= 400 or not thick or " of " in noun or story.final.needed:
        return None
    if story.says("thick\\w*|tall|centimeters?|high|sold|shel\\w+|audio\\w*|can read"):
        return None
    size = story.pick(thick)
    total = whole * size
    shelf = [n for n in (60, 80, 90, 100, 120) if total % n == 0 and total // n >= 2]
    plural = f"{size} centimeter{'s' if size > 1 else ''}"
    last = noun.split()[-1]
    if last in ("books", "notebooks", "magazines", "dvds", "movies", "cds") and shelf:
        board = story.pick(shelf)
        return (
            f"Each {one(noun)} is {plural} thick, and a shelf is {board} centimeters long. How many such shelves are"
            f" needed for {story.phrase}?",
            [
                Step(f"They need {calculated(f'{whole}*{size}')} centimeters."),
                Step(f"This fills {calculated(f'{total}/{board}')} shelves."),
            ],
            Fraction(total, board),
        )
    if last in ("movies", "dvds", "cds") or total > 250:
        return None
    wide = last in ("plates", "pancakes", "towels")
    return (
        f"Each {one(noun)} is {plural} {'high' if wide else 'thick'}. How many centimeters high is a stack of all of"
        f" {story.phrase}?",
        [Step(f"The stack is {calculated(f'{whole}*{size}')} centimeters high.")],
        Fraction(total),
    )


def _in_line(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    sizes = _look(LONG, noun)
    if not sizes or " of " in noun or not 3 <= whole <= 200:
        return None
    if story.says(r"long|meters?|centimeters?|inches|feet|length|line"):
        return None
    size = story.pick(sizes)
    total = whole * size
    start = f"Each {one(noun)} is {size} centimeters long. If {story.phrase} lie end to end in a line, how many"
    step = Step(f"The line is {calculated(f'{whole}*{size}')} centimeters long.")
    if total % 10 == 0 and total >= 200:
        return (
            f"{start} meters long is the line?",
            [step, Step(f"This is {calculated(f'{total}/100')} meters.")],
            Fraction(total, 100),
        )
    return f"{start} centimeters long is the line?", [step], Fraction(total)


def _divided(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    ratios = [(a, b) for a, b in ((1, 2), (2, 3), (1, 3), (3, 4), (3, 5), (2, 5), (3, 2), (2, 1), (4, 3))
              if whole % (a + b) == 0 and whole // (a + b) >= 2]  # fmt: skip
    if not whole or not ratios or not story.person or not _GIVEN.fullmatch(noun):
        return None
    pairs = [("cousin", "neighbor"), ("aunt", "uncle"), ("sister", "brother"), ("niece", "nephew")]
    fits = [pair for pair in pairs if not any(story.says(f"{who}s?|siblings") for who in pair)]
    if story.person.plural or not fits or story.says("ratio|equally|share[sd]?|sells?|collection|library|team|class"):
        return None
    (a, b), (first, second) = story.pick(ratios), story.pick(fits)
    part = whole // (a + b)
    person = story.actor
    return (
        f"{capital(person.name)} {story.verb('divide')} {story.phrase} between {person.possessive} {first} and"
        f" {person.possessive} {second} in the ratio {a}:{b}. How many {noun} {story.asked('get', 'the ' + second)}?",
        [
            Step(f"There are {calculated(f'{a}+{b}')} equal parts.", free=True),
            Step(f"Each part has {calculated(f'{whole}/{a + b}')} {noun}."),
            Step(f"The {second} {story.other('get')} {calculated(f'{b}*{part}')} {noun}."),
        ],
        Fraction(b * part),
    )


MORE: tuple[Concept, ...] = (_worth, _covered, _stacked, _in_line, _divided)
"""More concepts for a number of things."""
