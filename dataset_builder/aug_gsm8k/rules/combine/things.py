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

_HELD = {"have", "get", "receive", "buy", "make", "bake", "keep", "collect", "own", "pick", "catch", "find", "win",
         "gather", "harvest", "purchase", "grow", "end", "knit", "sew"}  # fmt: skip
"""Verbs after which the person has the things."""
_GONE = (
    r"\b(?:eat|eats|eaten|ate|used|lost|broken|sold|gone|removed|removing|thrown|given|missing|not|can|could|should|would|"
    r"threw|away|more|need|needs|needed|left with)\b"
)
"""Words for things that are not there any more, or not yet."""

_PASSED_ON = (
    r"eats?|ate|eating|eaten|gives?|gave|giving|given|sells?|sold|selling|donat\w+|gone|loses?|lost|threw|throws?|uses?|used|"
    r"using|returns?|returned|trades?|traded"
)
"""Words of stories in which not all of what one got is still there."""

_PACKED = "|".join([*FOOD, *GOODS, FLAT])
_SOLD = {*FOOD, "seashells", "bracelets", "necklaces", "candles", "scarves", "marbles", "beads", "balloons", "pebbles"}
_CROWD = re.compile(r"(?:[a-z]+ )?(?:people|students|children|kids|guests|adults|girls|boys|men|women|visitors|players|"
                    r"employees|workers|teachers|campers|friends)")  # fmt: skip


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


def there(story: Story) -> int:
    """The answer if it is a whole number of things that are really there in the end, else 0."""
    final = story.final
    if final.kind != "count" or final.needed or not story.whole or story.whole < 2 or final.tail.startswith("to "):
        return 0
    phrase = final.phrase()
    if re.match(r"(?:each|every) ", final.subject):
        return 0
    if re.search(UNSPENT, phrase) or re.search(_GONE, phrase):
        return 0
    if final.verb == "have" and final.tense == "past" and not final.tail:  # nobody knows when
        return 0
    if final.tense == "future" or (final.verb not in ("be", "have", "keep", "end") and story.says(_PASSED_ON)):
        return 0
    placed = final.verb == "be" and re.search(r"\b(?:left|remain\w*|in|on|at)\b", phrase)
    return story.whole if placed or (final.subject and final.verb in _HELD) else 0


def _weight(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    grams = _of(FOOD, noun) or _of(GOODS, noun)
    if not whole or not grams or story.says(r"weighs?|weight|grams?|pounds?|kilograms?|kg|ounces?|heavy|giant|huge"):
        return None
    gram = story.pick(grams)
    total = Fraction(whole * gram)
    if not 20 <= total <= 500_000:
        return None
    verb = story.pick(["weighs", "has a weight of"])
    fact = f"Each {one(noun)} {verb} {gram} grams"
    step = Step(f"The {noun} weigh {calculated(f'{whole}*{gram}')} grams.")
    if total >= 1000 and writable(total / 1000, 2):
        return (
            f"{fact}. How many kilograms do {story.phrase} weigh?",
            [step, Step(f"This is {calculated(f'{total}/1000')} kilograms.")],
            total / 1000,
        )
    return f"{fact}. How many grams do {story.phrase} weigh?", [step], total


def _boxes(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    if not whole or not story.person or not re.search(rf"\b(?:{_PACKED})$", noun) or " of " in noun:
        return None
    flat = re.search(rf"\b(?:{FLAT})$", noun)
    box, plural, verb = ("page", "pages", "put") if flat else story.pick([
        ("box", "boxes", "pack"), ("bag", "bags", "put"), ("box", "boxes", "put"), ("basket", "baskets", "put"),
    ])  # fmt: skip
    if story.says(f"{box}|{plural}|bags?|packs?|boxes|baskets?|jars?|dozens?|albums?|books?|bunch\\w*|bouquets?"):
        return None
    if box == "bag" and "egg" in noun:
        return None
    sizes = [n for n in (4, 5, 6, 8, 9, 10, 12, 15, 20, 24) if 2 <= whole // n <= 30]
    exact = [n for n in sizes if whole % n == 0]
    if not sizes:
        return None
    person = story.actor
    size = story.pick(exact if exact and story.draws.below(3) else sizes)
    count, rest = divmod(whole, size)
    fact = f"{capital(person.name)} {story.verb(verb)} {story.phrase} "
    fact += f"on the pages of an album, with room for {size} on each page" if flat else (
        f"into {plural} that hold {size} {noun} each")  # fmt: skip
    if rest:
        filled = f"{count} {plural} hold only {calculated(f'{count}*{size}')} of the {whole} {noun}"
        more = calculated(f"{count}+1")
        return (
            f"{fact}. How many {plural} {story.asked('need')} at least?",
            [Step(f"{filled}, so one more {box} is needed, and the answer is {more} {plural}.")],
            Fraction(count + 1),
        )
    step = Step(f"{capital(person.pronoun)} {story.verb('need')} {calculated(f'{whole}/{size}')} {plural}.")
    if flat or story.says("costs?|\\w*price\\w*|dollars?") or "$" in story.text or story.draws.below(2):
        return f"{fact}. How many {plural} {story.asked('need')}?", [step], Fraction(count)
    price = story.pick([Fraction(1), Fraction(2), Fraction(1, 2)])
    cents = amount(price) if price >= 1 else "0.50"
    return (
        f"{fact}. The {plural} cost ${cents} apiece. How much {story.asked('pay')} for the {plural}?",
        [step, Step(f"The {plural} cost {calculated(f'{count}*{cents}', money=True)}.")],
        count * price,
    )


def _sale(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    if not whole or not story.person or noun not in _SOLD or "$" in story.text or "egg" in noun:
        return None
    if story.final.verb in ("buy", "purchase", "get", "receive", "win"):
        return None
    sizes = [n for n in (2, 3, 4, 5, 6, 8, 10, 12) if whole % n == 0 and 2 <= whole // n <= 60]
    if not sizes or story.says(
        "bags?|sells?|sold|packs?|dozens?|gifts?|presents?|birthday|books|eats?|ate|jars?|family"
    ):
        return None
    size = story.pick(sizes)
    price = story.pick([price for price in (1, 2, 3, 4, 5) if price <= size])
    bags = whole // size
    where = story.pick(["at a market", "at a fair", "to the neighbors"])
    return (
        f"{capital(story.actor.name)} {story.verb('sell')} all of {story.phrase} {where} in bags of {size}, for"
        f" ${price} a bag. How much money {story.asked('get')} for them?",
        [
            Step(f"There are {calculated(f'{whole}/{size}')} bags of {noun}."),
            Step(f"{capital(story.actor.pronoun)} {story.verb('get')} {calculated(f'{bags}*{price}', money=True)}."),
        ],
        Fraction(bags * price),
    )


def _packs(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    sizes = [n for n in (2, 3, 4, 5, 6, 8, 10, 12) if whole % n == 0 and 2 <= whole // n <= 60]
    if story.final.kind != "count" or not story.final.needed or not sizes or "$" in story.text or not story.person:
        return None
    if story.final.verb not in ("need", "buy", "get", "purchase"):
        return None
    if not (_of(FOOD, noun) or _of(GOODS, noun)) or story.says(
        "packs?|packages?|box(?:es)?|bags?|sell|sold|dozens?|collect\\w*|bakes?|baked|picks?"
    ):
        return None
    size, price = story.pick(sizes), story.pick([2, 3, 4, 5])
    pack, count = story.pick(["packs", "boxes"]), whole // size
    return (
        f"The store sells {noun} only in {pack} of {size}, for ${price} each. How much {story.asked('pay')} for"
        f" {story.phrase}?",
        [
            Step(f"{capital(story.actor.pronoun)} {story.verb('need')} {calculated(f'{whole}/{size}')} {pack}."),
            Step(f"They cost {calculated(f'{count}*{price}', money=True)}."),
        ],
        Fraction(count * price),
    )


def _colors(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    colors = COLORED.get(noun)
    ratios = [(a, b) for a, b in RATIOS if whole % (a + b) == 0 and whole // (a + b) >= 2]
    if not whole or not colors or not ratios or story.final.verb == "catch" or story.says(COLOR_WORDS):
        return None
    a, b = story.pick(ratios)
    first = story.draws.below(3)
    one_, two = colors[first], colors[(first + 1 + story.draws.below(2)) % 3]
    part = whole // (a + b)
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
        Fraction(b * part),
    )  # fmt: skip


def _rows(story: Story) -> Made | None:
    noun, whole = story.final.noun, story.whole or 0
    match = re.search(
        r"\b(flowers|roses|trees|tulips|plants|seedlings|seeds|carnations|daisies|bushes|sunflowers)$", noun
    )
    rows = [n for n in (2, 3, 4, 5, 6, 8, 10) if whole % n == 0 and 4 <= whole // n <= 40]
    if story.final.kind != "count" or story.final.verb != "plant" or not match or not rows:
        return None
    if (
        story.final.needed
        or story.final.tense == "future"
        or story.says(r"rows?|feet|meters?|apart|inches|pots?|die[sd]?")
    ):
        return None
    count = story.pick(rows)
    gap, unit = story.pick([(3, "meters"), (4, "meters"), (5, "meters")] if "tree" in noun else [
        (20, "centimeters"), (15, "centimeters"), (30, "centimeters"),
    ])  # fmt: skip
    each = whole // count
    stand = "stood" if story.final.tense == "past" else "stand"
    return (
        f"{capital(story.phrase)} {stand} in {count} straight rows with the same number of {noun} in each, {gap} {unit}"
        f" from one {one(noun)} to the next. How many {unit} {story.be(plural=True)} there between the first and the"
        f" last {one(noun)} of a row?",
        [
            Step(f"Each row has {calculated(f'{whole}/{count}')} {noun}."),
            Step(f"There are {calculated(f'{each}-1')} gaps between them."),
            Step(f"So the distance is {calculated(f'{each - 1}*{gap}')} {unit}."),
        ],
        Fraction((each - 1) * gap),
    )


def _feed(story: Story) -> Made | None:
    noun, whole = story.final.noun, there(story)
    feed = FEED.get(noun)
    if not whole or not feed or whole > 2000:
        return None
    if story.says(
        r"food|feed|eats?|ate|hay|toys?|stuffed|pounds?|cups?|weigh\w*|sold|park|vet|bowls?|breed\w*|"
        "bab(?:y|ies)|kittens|puppies|lambs|born|pregnant|births?"
    ):
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
    """Those who wear glasses among people, packs of drinks for them, or the rows in which they stand."""
    final, noun, whole = story.final, story.final.noun, story.whole or 0
    placed = final.verb == "be" and re.match(r"(?:now )?(?:in|on|at|inside) ", final.tail)
    if final.kind != "count" or not PEOPLE.search(noun) or not _CROWD.fullmatch(noun) or final.needed or whole < 6:
        return None
    if not (placed or final.verb == "invite") or whole > 400:
        return None
    if story.says("city|town|world|country|state|war|battle|line|lists?|tribes?"):
        return None
    are = "were" if final.tense == "past" else "are"
    wear = "wore" if final.tense == "past" else "wear"
    ratios = [(a, b) for a, b in RATIOS if whole % (a + b) == 0 and whole // (a + b) >= 2]
    kind = story.draws.below(3)
    if kind == 0 and ratios and not story.says("glasses|ratio"):
        a, b = story.pick(ratios)
        part = whole // (a + b)
        return (
            f"Among {story.phrase}, those who {wear} glasses and those who {'did' if wear == 'wore' else 'do'} not"
            f" {are} in the ratio {a}:{b}. How many of them {wear} glasses?",
            [
                Step(f"There are {calculated(f'{a}+{b}')} equal parts.", free=True),
                Step(f"Each part has {calculated(f'{whole}/{a + b}')} {noun}."),
                Step(f"So {calculated(f'{a}*{part}')} of them {wear} glasses."),
            ],
            Fraction(a * part),
        )
    packs = [n for n in (4, 6, 8, 10, 12) if whole * 2 % n == 0 and whole * 2 // n >= 2]
    if kind == 1 and packs and not story.says(r"water|juice|bottles?|packs?|drinks?|snacks?|candy|cookies"):
        pack, drink = story.pick(packs), story.pick(["bottles of water", "juice boxes", "granola bars"])
        gets = {"past": "got", "future": "will get"}.get(final.tense, "gets")
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
    if not sizes or whole > 150 or story.says(r"tables?|seats?|chairs?|sit|bus\w*|vans?|groups?|rows?|pool|water"):
        return None
    size = story.pick(sizes)
    count, rest = divmod(whole, size)
    stand = "stood" if are == "were" else "stand"
    line = f"For a photo, {story.phrase} {stand} in rows of {size}"
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


THINGS: tuple[Concept, ...] = (_weight, _boxes, _sale, _packs, _colors, _rows, _feed, _people)
"""Concepts for a number of things, people or animals."""
