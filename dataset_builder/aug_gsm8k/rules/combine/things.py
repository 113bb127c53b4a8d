"""Concepts that join a number of things, people or animals: weight, packs and prices, ratios, rows, rates."""

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
    writable,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import (
    COLOR_WORDS,
    COLORED,
    FEED,
    FLAT,
    FOOD,
    GOODS,
    RATIOS,
    UNSPENT,
)

HELD = {"have", "get", "receive", "buy", "make", "bake", "keep", "collect", "own", "pick", "catch", "find", "win",
        "gather", "harvest", "purchase", "grow", "end", "knit", "sew"}  # fmt: skip
"""Verbs after which the person has the things."""


_PACKED = "|".join([*FOOD, *GOODS, FLAT])


def _of(table: dict[str, tuple], noun: str) -> tuple | None:
    """The entry of a noun: of its last words, unless it is a measure such as "bags of apples"."""
    if " of " in noun:
        return None
    words = noun.lower().split()
    return table.get(" ".join(words[-2:])) or table.get(words[-1])


def one(noun: str) -> str:
    """The singular of a plural noun."""
    irregular = {"people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse",
                 "geese": "goose", "feet": "foot", "teeth": "tooth", "cookies": "cookie", "brownies": "brownie",
                 "pies": "pie", "scarves": "scarf", "leaves": "leaf", "loaves": "loaf", "knives": "knife",
                 "movies": "movie", "calories": "calorie", "smoothies": "smoothie", "sheep": "sheep", "fish": "fish",
                 "potatoes": "potato", "tomatoes": "tomato", "mangoes": "mango", "boxes": "box", "peaches": "peach",
                 "sandwiches": "sandwich", "glasses": "glass", "dresses": "dress", "inches": "inch",
                 "students": "student", "puppies": "puppy"}  # fmt: skip
    *words, last = noun.split()
    singular = irregular.get(last) or (f"{last[:-3]}y" if last.endswith("ies") else last.removesuffix("s"))
    return " ".join([*words, singular])


def _countable(story: Story) -> bool:
    return story.final.kind == "count" and bool(story.whole)


def _holds(story: Story) -> bool:
    final = story.final
    if re.search(UNSPENT, final.phrase()):
        return False
    left = final.verb == "be" and re.search(r"\b(?:left|remain\w*)\b", final.phrase())
    idle = final.needed or final.tail.startswith("to ") or final.rest.startswith(("can ", "should "))
    return bool(_countable(story) and story.person and (final.verb in HELD or left) and not idle)


def _weight(story: Story) -> Made | None:
    noun = story.final.noun
    grams = _of(FOOD, noun) or _of(GOODS, noun)
    if not _countable(story) or not grams or story.says(r"weighs?|weight|grams?|pounds?|kilograms?|kg|ounces?|heavy"):
        return None
    gram = story.pick(grams)
    total = story.value * gram
    if not 20 <= total <= 500_000:
        return None
    verb = story.pick(["weighs", "has a weight of"])
    fact = f"Each {one(noun)} {verb} {gram} grams"
    step = Step(f"The {noun} weigh {calculated(f'{story.whole}*{gram}')} grams.")
    if total >= 1000 and writable(total / 1000, 2):
        return (
            f"{fact}. How many kilograms do {story.phrase} weigh?",
            [step, Step(f"This is {calculated(f'{total}/1000')} kilograms.")],
            total / 1000,
        )
    return f"{fact}. How many grams do {story.phrase} weigh?", [step], Fraction(total)


def _boxes(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    if not _holds(story) or not re.search(rf"\b(?:{_PACKED})$", noun) or " of " in noun:
        return None
    flat = re.search(rf"\b(?:{FLAT})$", noun)
    box, plural, verb = ("page", "pages", "put") if flat else story.pick([
        ("box", "boxes", "pack"), ("bag", "bags", "put"), ("box", "boxes", "put"), ("basket", "baskets", "put"),
    ])  # fmt: skip
    if story.says(f"{box}|{plural}|bags?|packs?|boxes|dozens?|albums?|books?") or (box == "bag" and "egg" in noun):
        return None
    sizes = [n for n in (4, 5, 6, 8, 9, 10, 12, 15, 20, 24) if 2 <= whole // n <= 30]
    exact = [n for n in sizes if whole % n == 0]
    if not sizes:
        return None
    person = story.actor
    target = "the pages of an album" if flat else plural
    size = story.pick(exact if exact and story.draws.below(3) else sizes)
    count, rest = divmod(whole, size)
    fact = (
        f"{capital(person.name)} {story.verb(verb)} {story.phrase} into {plural} that hold {size} {noun} each"
        if not flat
        else f"{capital(person.name)} {story.verb(verb)} {story.phrase} on {target}, with room for {size} on each page"
    )
    if rest:
        need = story.asked("need")
        filled = f"{count} {plural} hold only {calculated(f'{count}*{size}')} of the {whole} {noun}"
        more = calculated(f"{count}+1")
        return (
            f"{fact}. How many {plural} {need} at least?",
            [Step(f"{capital(filled)}, so one more {box} is needed, and the answer is {more} {plural}.")],
            Fraction(count + 1),
        )
    step = Step(f"{capital(person.pronoun)} {story.verb('need')} {calculated(f'{whole}/{size}')} {plural}.")
    if flat or story.says("costs?|\\w*price\\w*|dollars?") or "$" in story.text or story.draws.below(2):
        return f"{fact}. How many {plural} {story.asked('need')}?", [step], Fraction(count)
    price = story.pick([Fraction(1), Fraction(2), Fraction(3), Fraction(1, 2)])
    cost = count * price
    cents = amount(price) if price >= 1 else "0.50"
    return (
        f"{fact} and cost ${cents} apiece. How much {story.asked('pay')} for the {plural}?",
        [step, Step(f"The {plural} cost {calculated(f'{count}*{cents}', money=True)}.")],
        cost,
    )


def _sale(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    food = _of(FOOD, noun)
    if not (_holds(story) and (food or _of(GOODS, noun))) or "$" in story.text or "egg" in noun or "coins" in noun:
        return None
    sizes = [n for n in (2, 3, 4, 5, 6, 8, 10, 12) if whole % n == 0 and 2 <= whole // n <= 60]
    if not sizes or story.says("bags?|sells?|sold|packs?|dozens?|gifts?|presents?|birthday|books"):
        return None
    size = story.pick(sizes)
    price = story.pick([price for price in (1, 2, 3, 4, 5) if price <= size])
    person, bags = story.actor, Fraction(whole, size)
    where = story.pick(["at a market", "at a fair", "at a yard sale", "to the neighbors"])
    if food and where == "at a yard sale":
        where = "at a school fair"
    return (
        f"{capital(person.name)} {story.verb('sell')} {story.phrase} {where} in bags of {size}, for ${price} a bag. How"
        f" much money {story.asked('get')} for them?",
        [
            Step(f"There are {calculated(f'{whole}/{size}')} bags of {noun}."),
            Step(
                f"{capital(person.pronoun)} {story.verb('get')} {calculated(f'{bags}*{price}', money=True)} for them."
            ),
        ],
        bags * price,
    )


def _packs(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    sizes = [n for n in (2, 3, 4, 5, 6, 8, 10, 12) if whole % n == 0 and 2 <= whole // n <= 60]
    if not _countable(story) or not story.final.needed or not sizes or "$" in story.text or not story.person:
        return None
    if not (_of(FOOD, noun) or _of(GOODS, noun)) or story.says("packs?|packages?|box(?:es)?|bags?|sell|sold|dozens?"):
        return None
    size, price = story.pick(sizes), story.pick([2, 3, 4, 5])
    pack = story.pick(["packs", "boxes"])
    count = Fraction(whole, size)
    return (
        f"The store sells {noun} only in {pack} of {size}, for ${price} each. How much {story.asked('pay')} for"
        f" {story.phrase}?",
        [
            Step(f"{capital(story.actor.pronoun)} {story.verb('need')} {calculated(f'{whole}/{size}')} {pack}."),
            Step(f"They cost {calculated(f'{count}*{price}', money=True)}."),
        ],
        count * price,
    )


def _colors(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    colors = _of(COLORED, noun)
    ratios = [(a, b) for a, b in RATIOS if whole % (a + b) == 0 and whole // (a + b) >= 2]
    if not _countable(story) or not colors or not ratios or story.says(COLOR_WORDS) or story.final.needed:
        return None
    a, b = story.pick(ratios)
    first = story.draws.below(3)
    one_, two = colors[first], colors[(first + 1 + story.draws.below(2)) % 3]
    part = Fraction(whole, a + b)
    is_ = "was" if story.final.tense == "past" else "is"
    are = "were" if story.final.tense == "past" else "are"
    opening = story.pick([
        f"Each of {story.phrase} {is_} either {one_} or {two}, and there {is_ if a == 1 else are} {a} {one_}"
        f" {one(noun) if a == 1 else noun} for every {b if b > 1 else ''}{' ' if b > 1 else ''}{two}"
        f" {one(noun) if b == 1 else 'ones'}",
        f"Among {story.phrase}, there {are} only {one_} and {two} ones, in the ratio {a}:{b}",
    ])  # fmt: skip
    return (
        f"{opening}. How many {two} {noun} {are} there?",
        [
            Step(f"There are {calculated(f'{a}+{b}')} equal parts, and {b} of them {'is' if b == 1 else 'are'} {two}.",
                 free=True),
            Step(f"Each part has {calculated(f'{whole}/{a + b}')} {noun}."),
            Step(f"So there {are} {calculated(f'{b}*{part}')} {two} {noun}."),
        ],
        b * part,
    )  # fmt: skip


def _rows(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    match = re.search(
        r"\b(flowers|roses|trees|tulips|plants|seedlings|seeds|carnations|daisies|bushes|sunflowers)$", noun
    )
    plant = story.final.verb in ("plant", "buy", "get", "have", "grow", "need", "receive", "purchase")
    rows = [n for n in (2, 3, 4, 5, 6, 8, 10) if whole % n == 0 and 4 <= whole // n <= 40]
    if not _countable(story) or not match or not plant or not rows or story.says(r"rows?|feet|meters?|apart|inches"):
        return None
    if story.final.verb != "plant" and not (story.person and story.final.needed):
        return None
    count = story.pick(rows)
    gap, unit = story.pick([(3, "meters"), (4, "meters"), (5, "meters")] if "tree" in noun else [
        (20, "centimeters"), (15, "centimeters"), (30, "centimeters"),
    ])  # fmt: skip
    each = Fraction(whole, count)
    are = story.be(plural=True)
    return (
        f"{capital(story.phrase)} {are} planted in {count} rows with the same number of {noun} in each, {gap} {unit}"
        f" from one {one(noun)} to the next. How many {unit} are there between the first and the last {one(noun)} of a"
        " row?",
        [
            Step(f"Each row has {calculated(f'{whole}/{count}')} {noun}."),
            Step(f"There are {calculated(f'{each}-1')} gaps between them."),
            Step(f"So the distance is {calculated(f'{each - 1}*{gap}')} {unit}."),
        ],
        (each - 1) * gap,
    )


def _feed(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    feed = FEED.get(noun.split()[-1]) if " of " not in noun else None
    if (
        not _countable(story)
        or not feed
        or story.says(r"food|feed|eats?|ate|hay|toy|stuffed|pounds?|cups?|weigh\w*|sold")
    ):
        return None
    if story.final.verb in ("sell", "donate", "eat", "give", "lose") or whole > 2000:
        return None
    each, what = feed
    days = story.pick([3, 5, 7, 10, 14, 30])
    period = {7: "a week", 14: "two weeks"}.get(days, f"{days} days")
    per = what if each > 1 else re.sub(r"s of", " of", what, count=1)
    steps = [Step(f"Every day, the {noun} eat {calculated(f'{whole}*{each}')} {what}.")]
    steps.append(Step(f"In {period}, they eat {calculated(f'{whole * each}*{days}')} {what}."))
    return (
        f"Each {one(noun)} eats {each} {per} per day. How many {what} do {story.phrase} eat in {period}?",
        steps,
        Fraction(whole * each * days),
    )


def _people(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    if not _countable(story) or not PEOPLE.search(noun) or story.final.needed or whole < 6:
        return None
    are = "were" if story.final.tense == "past" else "are"
    wear = "wore" if story.final.tense == "past" else "wear"
    ratios = [(a, b) for a, b in RATIOS if whole % (a + b) == 0 and whole // (a + b) >= 2]
    kind = story.draws.below(3)
    if kind == 0 and ratios and not story.says("glasses|ratio"):
        a, b = story.pick(ratios)
        part = Fraction(whole, a + b)
        return (
            f"Among {story.phrase}, those who {wear} glasses and those who {'did' if wear == 'wore' else 'do'}"
            f" not are in"
            f" the ratio {a}:{b}. How many of them {wear} glasses?",
            [
                Step(f"There are {calculated(f'{a}+{b}')} equal parts.", free=True),
                Step(f"Each part has {calculated(f'{whole}/{a + b}')} {noun}."),
                Step(f"So {calculated(f'{a}*{part}')} of them {wear} glasses."),
            ],
            a * part,
        )
    packs = [n for n in (4, 6, 8, 10, 12) if whole * 2 % n == 0 and whole * 2 // n >= 2]
    if kind == 1 and packs and not story.says(r"water|juice|bottles?|packs?|drinks?"):
        pack, drink = story.pick(packs), story.pick(["bottles of water", "juice boxes", "granola bars"])
        gets = "got" if story.final.tense == "past" else "gets"
        bottles = 2 * whole
        return (
            f"Each of {story.phrase} {gets} 2 {drink}, which come in packs of {pack}. How many packs {are} needed?",
            [
                Step(f"They need {calculated(f'{whole}*2')} {drink}."),
                Step(f"These are {calculated(f'{bottles}/{pack}')} packs."),
            ],
            Fraction(bottles, pack),
        )
    sizes = [n for n in (4, 5, 6, 8, 10, 12) if whole > 2 * n]
    if not sizes or whole > 150 or story.says(r"tables?|seats?|chairs?|sit|bus\w*|vans?|groups?|rows?"):
        return None
    size = story.pick(sizes)
    count, rest = divmod(whole, size)
    take, stand = ("took", "stood") if are == "were" else ("takes", "stand")
    line = f"A photographer {take} a picture of {story.phrase}, who {stand} in rows of {size}"
    if rest:
        return (
            f"{line}, with fewer in the last row. How many {stand} in the last row?",
            [
                Step(f"The {count} full rows have {calculated(f'{count}*{size}')} {noun}."),
                Step(f"In the last row, there {are} {calculated(f'{whole}-{count * size}')}."),
            ],
            Fraction(rest),
        )
    return (
        f"{line}. How many rows {are} there?",
        [Step(f"There {are} {calculated(f'{whole}/{size}')} rows.")],
        Fraction(count),
    )


def _each_takes(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    verbs = {"cookies": "wrap", "cupcakes": "frost", "shirts": "iron", "windows": "wash", "cars": "wash",
             "envelopes": "address", "balloons": "blow up", "gifts": "wrap", "presents": "wrap", "plates": "wash",
             "dishes": "wash", "apples": "wash", "cards": "sort", "stamps": "sort", "coins": "count", "books": "label",
             "stickers": "put away", "potatoes": "peel", "carrots": "peel", "apples ": "peel", "dresses": "iron",
             "photos": "frame", "pencils": "sharpen", "chairs": "clean", "bottles": "rinse", "shoes": "clean",
             "toys": "clean", "dolls": "dress", "pictures": "hang up", "strawberries": "wash", "oranges": "peel",
             "tomatoes": "slice", "letters": "read", "bracelets": "wrap", "necklaces": "wrap", "seashells": "clean",
             "eggs": "wash", "glasses": "dry", "marbles": "polish", "candles": "wrap", "rocks": "label",
             "trees": "water", "roses": "trim", "flowers": "trim", "scarves": "fold", "towels": "fold",
             "t-shirts": "fold", "fish": "clean", "dogs": "brush", "cats": "brush", "horses": "brush"}  # fmt: skip
    verb = verbs.get(noun.split()[-1]) if " of " not in noun else None
    seconds = [n for n in (10, 15, 20, 30, 40, 45, 90, 120, 180) if whole * n % 60 == 0 and 2 <= whole * n // 60 <= 300]
    slow = verb in ("brush", "wash", "iron", "decorate", "frost", "hang up", "frame", "water", "wrap")
    seconds = [n for n in seconds if n >= 90] if slow else [n for n in seconds if n <= 45]
    if not _holds(story) or not verb or not seconds or story.says(f"minutes?|seconds?|hours?|{verb}\\w*"):
        return None
    each = story.pick(seconds)
    takes = {"past": "took", "future": "will take"}.get(story.final.tense, "takes")
    did = {"past": "did", "future": "will"}.get(story.final.tense, "does")
    person = story.actor
    unit, count = (f"{each} seconds", each) if each < 60 or each % 60 else (f"{each // 60} minutes", each // 60)
    start = f"It {takes} {person.objective} {unit} to {verb} one {one(noun)}. How many minutes {did} it take"
    start += f" {person.objective} to {verb} all of {story.phrase}?"
    if unit.endswith("minutes"):
        return start, [Step(f"This takes {calculated(f'{whole}*{count}')} minutes.")], Fraction(whole * count)
    return (
        start,
        [
            Step(f"This takes {calculated(f'{whole}*{each}')} seconds."),
            Step(f"These are {calculated(f'{whole * each}/60')} minutes."),
        ],
        Fraction(whole * each, 60),
    )


THINGS: tuple[Concept, ...] = (_weight, _boxes, _sale, _packs, _colors, _rows, _feed, _people, _each_takes)
"""Concepts for a number of things, people or animals."""
