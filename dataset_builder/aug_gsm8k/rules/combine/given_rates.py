"""State a given quantity by a rate: a price for several, a wage, a speed, or weekly savings."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.restate import times, used
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import amount, calculated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Given, Restate
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

_PRICED = (
    r"apples|oranges|bananas|cookies|eggs|pens|pencils|notebooks|books|shirts|tickets|toys|cards|stickers|muffins|cupcakes|"
    r"donuts|lemons|candles|cakes|flowers|roses|plants|chairs|bottles|cups|shoes|socks|hats|balls|candies|burgers|sodas|"
    r"pizzas|sandwiches|bracelets|necklaces|cans|boxes|bags|tires|towels|plates|glasses|balloons|crayons|erasers"
)

_PER = {
    "pound": "pounds", "kilogram": "kilograms", "kilo": "kilos", "gallon": "gallons", "liter": "liters",
    "yard": "yards", "foot": "feet", "meter": "meters", "ticket": "tickets", "box": "boxes", "bag": "bags",
    "pack": "packs", "page": "pages", "mile": "miles", "square foot": "square feet", "bottle": "bottles",
    "cup": "cups", "piece": "pieces", "ounce": "ounces", "person": "people", "pair": "pairs", "kg": "kg",
    "slice": "slices", "lawn": "lawns", "car": "cars", "book": "books", "shirt": "shirts", "game": "games",
    "glass": "glasses", "jar": "jars", "can": "cans", "bunch": "bunches",
}  # fmt: skip

_SPEEDS = {
    "drive": (30, 40, 50, 60), "drove": (30, 40, 50, 60), "ran": (5, 6, 8), "run": (5, 6, 8), "walk": (2, 3, 4),
    "walked": (2, 3, 4), "biked": (8, 10, 12, 15), "bike": (8, 10, 12, 15), "hiked": (2, 3), "hike": (2, 3),
    "jogged": (4, 5, 6), "jog": (4, 5, 6), "travel": (30, 40, 50), "traveled": (30, 40, 50), "cycled": (8, 10, 12),
}  # fmt: skip


def _price_per_unit(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        rf"\$(\d+(?:\.\d\d)?) (?:per|a|an|for each|for every|each|"
        rf"every) ({'|'.join(sorted(_PER, key=len, reverse=True))})\b"
        r"(?! (?:for|after|until|if|when|more|less|of the|in|on|per|she|he|they|sold|that))",
        problem.query,
    )
    if not match or re.search(rf"\b(?:more|less|extra|another) {re.escape(match[0])}", problem.query):
        return None
    price = Fraction(match[1])
    counts = times(problem, price)
    several = [n for n in (2, 3, 4, 5, 10) if counts and all(count % n == 0 and count > n for count in counts)]
    if not several:
        return None
    size = several[draws.below(len(several))]
    line = calculated(f"{amount(price * size)}/{size}", money=True)
    return Given(
        match.start(),
        match.end(),
        f"${amount(price * size)} for every {size} {_PER[match[2]]}",
        f"The price for one {match[2]} is {line}.",
    )


def _price_for_several(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        rf"\b({_PRICED}) (cost|costs|are|were|sell|sold)( for)? \$(\d+(?:\.\d\d)?) each\b(?! way)", problem.query
    )
    if not match:
        return None
    price = Fraction(match[4])
    counts = times(problem, price)
    several = [n for n in (2, 3, 4, 5, 6, 10) if counts and all(count % n == 0 and count > n for count in counts)]
    if not several:
        return None
    size = several[draws.below(len(several))]
    total = price * size
    line = calculated(f"{amount(total)}/{size}", money=True)
    verb, link = match[2], match[3] or ""
    if not link and verb not in ("cost", "costs"):
        link = " sold at" if verb in ("are", "were") else " at"
    return Given(
        match.start(2),
        match.end(),
        f"{verb}{link} ${amount(total)} for every {size}",
        f"At this price, one of them is worth {line}.",
    )


def _hourly_pay(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        r"\b(?:earns?|earned|makes?|made|gets?|got|is paid|was paid|are paid|were paid|charges?|charged|"
        r"pays (?:him|her|them)"
        r"|costs?) \$(\d+(?:\.\d\d)?) (?:an|per|each|every|for every|for each) hour\b(?! (?:for|after|until|if|"
        r"when|and|or|"
        r"more|less|on|plus|overtime))",
        problem.query,
    )  # fmt: skip
    if not match or not used(problem, Fraction(match[1])):
        return None
    hours = 2 + draws.below(4)
    total = Fraction(match[1]) * hours
    line = calculated(f"{amount(total)}/{hours}", money=True)
    return Given(
        match.start(1) - 1, match.end(), f"${amount(total)} for every {hours} hours", f"One hour is worth {line}."
    )


def _speed(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        r"(?<=[a-z] )(?<!at )(?<!of )(?<!is )(?<!was )(?<!rate )(?<!than )(?<!about )(?<!to )(?<!another )(?<!only )"
        r"\b(\d+) (miles|kilometers|pages|words|laps|bottles|envelopes|problems|questions|toys|cars)"
        r" (?:per|an|a|each|every|in an|in one) (hour|minute)\b",
        problem.query,
    )
    if not match or not used(problem, Fraction(match[1])):
        return None
    several = 2 + draws.below(4)
    period = re.match(r" for (\d+) ", problem.query[match.end() :])
    total = int(match[1]) * several
    if (period and (int(period[1]) % several or int(period[1]) == several)) or re.search(
        rf"\b{total}\b", problem.query
    ):
        return None
    line = calculated(f"{total}/{several}")
    return Given(
        match.start(),
        match.end(),
        f"{total} {match[2]} every {several} {match[3]}s",
        f"In one {match[3]}, that makes {line} {match[2]}.",
    )


def _trip(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        rf"\b({'|'.join(_SPEEDS)})(s?) (\d+) miles\b(?! (?:per|a |an |each|every|away|from|further|farther|more|"
        rf"less|in |and|"
        r"on (?:a|one) gallon|on the|for))",
        problem.query,
    )
    if not match or re.search(r"\b(?:hours?|minutes?|speed|mph|per|fast\w*)\b", problem.query):
        return None
    distance = int(match[3])
    if len(re.findall(rf"\b{distance}\b", problem.query)) != 1 or not used(problem, Fraction(distance)):
        return None
    fits = [speed for speed in _SPEEDS[match[1]] if distance % speed == 0 and 2 <= distance // speed <= 12]
    if not fits:
        return None
    speed = fits[draws.below(len(fits))]
    hours = distance // speed
    step = calculated(f"{hours}*{speed}")
    text = f"{match[1]}{match[2]} for {hours} hours at {speed} miles per hour"
    return Given(
        match.start(), match.end(), text, f"In {hours} hours at {speed} miles per hour, one covers {step} miles."
    )


def _paid_by_the_hour(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        r"\b(earned|earns|was paid|is paid) \$(\d+)(?=[.,]? |\.$)(?! (?:in |for|per|an?\b|each|every|more|less|"
        r"from|by|on |"
        r"selling|last|this|and \d|doing|mowing|after|a ))",
        problem.query,
    )
    if not match or re.search(r"\b(?:hours?|minutes?|hourly|gigs?|per|each|they|their|allowance)\b", problem.query):
        return None
    pay = int(match[2])
    if len(re.findall(rf"\b{pay}\b", problem.query)) != 1 or not used(problem, Fraction(pay)):
        return None
    fits = [rate for rate in range(6, 26) if pay % rate == 0 and 2 <= pay // rate <= 40]
    if not fits:
        return None
    rate = fits[draws.below(len(fits))]
    step = calculated(f"{pay // rate}*{rate}", money=True)
    text = f"{match[1]} ${rate} an hour for {pay // rate} hours of work"
    return Given(match.start(), match.end(), text, f"{pay // rate} hours at ${rate} an hour are worth {step}.")


def _saved_by_the_week(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        r"\b(saved|has saved|had saved|already saved)( up)? \$(\d+)(?=[.,]? |\.$)"
        r"(?! (?:in |for|per|an?\b|each|every|more|less|from|by|on |last|this|after|a |off))",
        problem.query,
    )
    if not match or re.search(r"\b(?:weeks?|months?|weekly|monthly|days?)\b", problem.query):
        return None
    saved = int(match[3])
    if len(re.findall(rf"\b{saved}\b", problem.query)) != 1 or not used(problem, Fraction(saved)):
        return None
    fits = [rate for rate in (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50) if saved % rate == 0]
    fits = [rate for rate in fits if 3 <= saved // rate <= 20]
    if not fits:
        return None
    rate = fits[draws.below(len(fits))]
    step = calculated(f"{saved // rate}*{rate}", money=True)
    text = f"{match[1]}{match[2] or ''} ${rate} a week for {saved // rate} weeks"
    return Given(
        match.start(), match.end(), text, f"In {saved // rate} weeks at ${rate} a week, the savings are {step}."
    )


RATES: tuple[Restate, ...] = (
    _price_per_unit,
    _price_for_several,
    _hourly_pay,
    _speed,
    _trip,
    _paid_by_the_hour,
    _saved_by_the_week,
)
"""Ways to state a given quantity by a rate."""
