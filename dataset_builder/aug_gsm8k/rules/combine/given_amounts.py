"""State a given amount in another unit, in dozens, banknotes, packs or rows, or between two times of the day."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.restate import used
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import calculated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import FOOD, GOODS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Given, Restate
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

_WORDS = ["", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

_SMALLER = [
    ("hours?", "minutes", 60, 4), ("weeks?", "days", 7, 8), ("feet", "inches", 12, 10),
    ("minutes?", "seconds", 60, 5), ("yards", "feet", 3, 60), ("meters", "centimeters", 100, 6),
    ("kilometers", "meters", 1000, 12), ("km", "meters", 1000, 12), ("kilograms", "grams", 1000, 10),
    ("kg", "grams", 1000, 10), ("liters", "milliliters", 1000, 5), ("pounds", "ounces", 16, 5),
    ("gallons", "quarts", 4, 20),
]  # fmt: skip
"""Larger unit, smaller unit, how many make one, and the largest number of the larger unit."""

_LARGER = [
    ("days", "weeks", "week", 7, 8), ("minutes", "hours", "hour", 60, 10), ("months", "years", "year", 12, 10),
    ("inches", "feet", "foot", 12, 20), ("meters", "kilometers", "kilometer", 1000, 20),
    ("seconds", "minutes", "minute", 60, 30),
    ("grams", "kilograms", "kilogram", 1000, 20), ("feet", "yards", "yard", 3, 100),
    ("milliliters", "liters", "liter", 1000, 10), ("centimeters", "meters", "meter", 100, 20),
    ("quarts", "gallons", "gallon", 4, 20),
]  # fmt: skip
"""Smaller unit, larger unit, its singular, how many make one, and the largest number of the larger unit."""

_MORE_PACKED = (
    "stickers|cards|baseball cards|markers|bottles of water|sodas|cans|light bulbs|candy"
    " bars|cups|napkins|stamps|diapers|"
    "screws|granola bars|juice boxes|hot dogs|buns|rolls|straws|forks|spoons|jellybeans|jelly"
    " beans|gumballs|treats|snacks|"
    "toys|figurines|photos|roses|seeds|bulbs|flyers|gems|stones|shells|nuts|onions|peppers"
)
_DOZENS = (
    r"eggs|cookies|donuts|doughnuts|muffins|cupcakes|roses|bagels|oranges|apples|pencils|flowers|brownies|bananas|lemons|"
    r"pastries|rolls|tarts|balloons|markers|golf balls|buttons"
)

_PACKED = "|".join(sorted({*FOOD, *GOODS, *_MORE_PACKED.split("|")}, key=len, reverse=True))
_ROWED = "chairs|seats|trees|plants|desks|tables|windows|flowers|roses|tulips|bushes|soldiers"


_NO_UNIT = re.compile(
    r"\bhow (?:long|far|tall|high|wide|deep|heavy|big|large|fast|late|early|much (?:time|longer|farther|taller|higher|"
    r"heavier|faster|\w+ time|(?:do|does|did|will|would) [^?]*weigh))",
    re.IGNORECASE,
)
"""Final questions whose answer takes its unit from the given amounts."""
_LAWN = re.compile(r"\b(?:lawns?|mow\w*|grass)\b")
"""Words of stories in which a yard is no length."""


def _other_unit(problem: Problem, draws: Draws) -> Given | None:
    query = problem.query
    found = []
    if _NO_UNIT.search(query) or _LAWN.search(query):
        return None
    for unit, small, factor, most in _SMALLER:
        for match in re.finditer(
            r"(?<![-$.,/\d])(?<!every )(?<!each )(?<!per )(?<!last )(?<!next )(?<!first )(?<!another )"
            rf"\b(\d+) (?:{unit})\b"
            r"(?!,? (?:old|per|a |an |each|every|and|or|ago|\d|tall|older|younger|fast|slow|more|less|"
            r"long(?:er)?|short|"
            r"lat|earl|away|of (?:sleep|experience)|worth|to |in )|'|-|/)",
            query,
        ):
            value = Fraction(match[1])
            words = re.findall(rf"\b{re.escape(match[1])}\b", query)
            if not 2 <= value <= most or len(words) != 1 or not used(problem, value):
                continue
            if re.search(rf"\b{small[:-1]}s?\b", query):
                continue
            found.append((match, unit, small, factor))
    if not found:
        return None
    match, unit, small, factor = found[draws.below(len(found))]
    total = int(match[1]) * factor
    name = match[0].partition(" ")[2]
    step = calculated(f"{total}/{factor}")
    return Given(match.start(), match.end(), f"{total} {small}", f"{total} {small} are {step} {name}.")


def _larger_unit(problem: Problem, draws: Draws) -> Given | None:
    query = problem.query
    found = []
    if _NO_UNIT.search(query) or _LAWN.search(query):
        return None
    for small, large, one, factor, most in _LARGER:
        for match in re.finditer(
            r"(?<![-$.,/\d])(?<!every )(?<!each )(?<!per )(?<!last )(?<!next )(?<!first )(?<!another )"
            rf"\b(\d+) {small}\b"
            r"(?!,? (?:old|per|a |an |each|every|and|or|ago|\d|tall|older|younger|fast|slow|more|less|"
            r"long(?:er)?|short|"
            r"lat|earl|away|of (?:sleep|experience)|worth|to |in )|'|-|/)",
            query,
        ):
            value = int(match[1])
            if value % factor or not 2 <= value // factor <= most or not used(problem, Fraction(value)):
                continue
            if len(re.findall(rf"\b{value}\b", query)) != 1 or re.search(rf"\b(?:{large}|{one})\b", query):
                continue
            found.append((match, small, large, factor))
    if not found:
        return None
    match, small, large, factor = found[draws.below(len(found))]
    count = int(match[1]) // factor
    step = calculated(f"{count}*{factor}")
    return Given(match.start(), match.end(), f"{count} {large}", f"{count} {large} are {step} {small}.")


def _dozens(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(rf"(?<![-$.,/\d])\b(\d+) ({_DOZENS})\b(?! (?:per|a|an|each|every|of))", problem.query)
    if not match or "dozen" in problem.query or not used(problem, Fraction(match[1])):
        return None
    count = int(match[1])
    if count % 12 or not 24 <= count <= 240 or len(re.findall(rf"\b{count}\b", problem.query)) != 1:
        return None
    step = calculated(f"{count // 12}*12")
    return Given(
        match.start(),
        match.end(),
        f"{count // 12} dozen {match[2]}",
        f"{count // 12} dozen {match[2]} are {step} {match[2]}.",
    )


def _banknotes(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        r"\b(has|have|had|received|got|found|with) \$(\d+)(?=\.? |,|\.$)(?! (?:in|to|left|more|worth|an|per|each|a|"
        r"every|bills?|from|gift|saved|off|of|for)\b)",
        problem.query,
    )
    if not match or not used(problem, Fraction(match[2])) or len(re.findall(rf"\b{match[2]}\b", problem.query)) != 1:
        return None
    fits = [note for note in (5, 10, 20, 50) if int(match[2]) % note == 0 and 2 <= int(match[2]) // note <= 10]
    if not fits:
        return None
    note = fits[draws.below(len(fits))]
    count = int(match[2]) // note
    step = calculated(f"{count}*{note}", money=True)
    return Given(
        match.start(2) - 1,
        match.end(2),
        f"{_WORDS[count]} ${note} bills",
        f"{_WORDS[count].capitalize()} ${note} bills are {step}.",
    )


def _packs(problem: Problem, draws: Draws) -> Given | None:
    found = re.finditer(
        r"(?<!which )(?<!that )(?<!who )\b(buys|bought|has|had|have|gets?|got|received|orders|ordered|bakes|baked|"
        r"buying|makes?|made|picks|picked|collects|collected|found|harvested|brought|owns|gathered|won) "
        rf"(\d+) ({_PACKED})\b"
        r"(?! (?:per|a |an |each|every|of|and half|more|fewer|less|on each|for|that|which|worth|costing|at|priced|"
        r"in each|in total|between|left|an?\b))",
        problem.query,
    )
    matches = list(found)
    match = matches[draws.below(len(matches))] if matches else None
    if not match or re.search(r"\b(?:packs?|packages?|box(?:es)?|bags?|dozens?|packets?|sets?)\b", problem.query):
        return None
    if re.search(r"\b(?:each|every)\b[^.,;]*$", problem.query[: match.start()], re.IGNORECASE):
        return None
    count = int(match[2])
    if len(re.findall(rf"\b{count}\b", problem.query)) != 1 or not used(problem, Fraction(count)):
        return None
    fits = [(n, count // n) for n in range(2, 13) if count % n == 0 and 3 <= count // n <= 24]
    if not fits:
        return None
    packs, size = fits[draws.below(len(fits))]
    containers = ("boxes", "bags", "packs")
    if re.match(r"pick|collect|found|harvest|gather|won", match[1]):
        containers = ("bags", "baskets", "buckets")
    elif re.search(r"book|plate|glass|brick|rock|stone|shell|toy|photo|apple|orange|potato|fruit", match[3]):
        containers = ("boxes", "bags", "boxes")
    container = containers[draws.below(3)]
    if match[1] in ("bakes", "baked", "make", "makes", "made"):
        container = "batches"
    if draws.below(3) == 0:
        return Given(
            match.start(2),
            match.end(),
            f"{packs} {container} with an average of {size} {match[3]} each",
            f"With an average of {size} {match[3]}, {packs} {container} have {calculated(f'{packs}*{size}')}"
            f" {match[3]}.",
        )
    step = calculated(f"{packs}*{size}")
    return Given(
        match.start(2),
        match.end(),
        f"{packs} {container} of {size} {match[3]} each",
        f"{packs} {container} of {size} {match[3]} are {step} {match[3]}.",
    )


def _rows(problem: Problem, draws: Draws) -> Given | None:
    match = re.search(
        rf"\b(has|had|have|are|were|planted|plants|with) (\d+) ({_ROWED})\b"
        r"(?! (?:per|a |an |each|every|of|more|fewer|less|in each|left|that))",
        problem.query,
    )
    if not match or re.search(r"\b(?:rows?|columns?|lines?|round|tables?)\b", problem.query):
        return None
    count = int(match[2])
    if len(re.findall(rf"\b{count}\b", problem.query)) != 1 or not used(problem, Fraction(count)):
        return None
    fits = [(n, count // n) for n in range(2, 31) if count % n == 0 and 3 <= count // n <= 30 and n != count // n]
    if not fits:
        return None
    rows, size = fits[draws.below(len(fits))]
    step = calculated(f"{rows}*{size}")
    return Given(
        match.start(2),
        match.end(),
        f"{rows} rows of {size} {match[3]} each",
        f"{rows} rows of {size} {match[3]} are {step} {match[3]}.",
    )


_AT_WORK = "work|works|worked|open|studies|studied|practices|practiced|trains|trained|babysits|babysat|plays|played"


def _clock(problem: Problem, draws: Draws) -> Given | None:
    """State a number of hours by two times of the day."""
    query = problem.query
    match = re.search(
        rf"\b(?P<verb>{_AT_WORK})(?P<for> for)? (?P<hours>\d+) hours(?P<daily> (?:a|per|each|every) day)?\b"
        r"(?! (?:a|an|per|each|every|on each|in|of|straight|over|overtime|more|less|for|\d)\b|,? \d|,? (?:and|or|"
        r"\w+) (?:\d|"
        r"days?|weeks?|times)|-)",
        query,
    )
    if not match or re.search(
        r"\b(?:[ap]\.?m\.?|o'clock|noon|midnight|morning|afternoon|evening|night)\b", query, re.I
    ):
        return None
    hours = int(match["hours"])
    if not 2 <= hours <= 9 or not used(problem, Fraction(hours)) or len(re.findall(rf"\b{hours}\b", query)) != 1:
        return None
    daily = " every day" if match["daily"] else ""
    if not daily and not re.search(r"\b(?:open|today|yesterday|tomorrow|[A-Z][a-z]+day)\b", query):
        return None
    if not daily and re.search(r"\bdays a week\b|\bweek(?:s|ly)?\b", query):
        return None
    if hours <= 4:
        start = 1 + draws.below(4)
        words = f"from {start} PM to {start + hours} PM"
        line = calculated(f"{start + hours}-{start}")
    else:
        start = 8 + draws.below(3)
        if start + hours <= 12:
            return None
        words = f"from {start} AM to {start + hours - 12} PM"
        line = calculated(f"12-{start}+{start + hours - 12}")
    text = f"{match['verb']} {words}{daily}"
    return Given(match.start(), match.end(), text, f"F{words[1:]}, there are {line} hours.")


AMOUNTS: tuple[Restate, ...] = (_other_unit, _larger_unit, _dozens, _banknotes, _packs, _rows, _clock)
"""Ways to state a given amount by another concept."""
