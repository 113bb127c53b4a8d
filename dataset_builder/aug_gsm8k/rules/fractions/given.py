"""State a given quantity as a fraction or a percentage of another one. All results of the solution stay the same."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TypeVar

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import amount, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Given, Restate, expressions, first_line, once
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import MEASURE, SHARES, Share
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text

_TWO = re.compile(r"([0-9.]+)([-+])([0-9.]+)")
_VERBS = (
    r"gives|gave|sells|sold|eats|ate|uses|used|loses|lost|donates|donated|spends|spent|breaks|broke|shares|shared|reads|"
    r"read|drinks|drank|throws|threw|removes|removed|takes|took|lends|lent|bakes|colors|colored|finishes|finished"
)
_NOUN = r"(?:[a-z]+ )?[a-z]+s"
_END = r"(?=[.,;?]| (?:in|on|at|for|to|from|with|during|yesterday|today|after|before|away|while|when|that|which)\b)"

_RELATIVE = (
    r"\b(?:times|twice|half|third|quarter|as much|more|less|cheaper|normal\w*|usual\w*|regular\w*|deal|saves?|month|"
    r"year|total|together)\b|\b\d/\d|of the (?:cost|price)\b"
)
"""Words of a price that depends on another, or of a price that stays: it is unclear whether the discount counts."""

T = TypeVar("T")


def _pick(draws: Draws, options: list[T]) -> T:
    return options[draws.below(len(options))]


def _used(problem: Problem, value: Fraction) -> bool:
    return any(value == number for _, text in expressions(problem) for _, _, number in spans(text))


def _shares(value: Fraction, percent: bool = False) -> list[Share]:
    return [share for share in SHARES if share.value == value and (share.percent or not percent)]


def _subtracted(problem: Problem, whole: Fraction, part: Fraction) -> bool:
    """Whether the solution computes ``whole - part``, or subtracts the part and others from the whole."""
    for _, text in expressions(problem):
        numbers = [number for _, _, number in spans(text)]
        if re.fullmatch(r"[0-9.]+(?:-[0-9.]+)+", text) and numbers[0] == whole and part in numbers[1:]:
            return True
    return False


_TWO_KINDS = re.compile(
    rf"(?<![-$.,/\d])(?<!age )(?<!ages )\b(\d+) (?!more|fewer|less|of\b)({_NOUN}),? and (\d+)"
    rf" (?!more|fewer|less|other|of\b|times|extra)({_NOUN}){_END}"
)


def _two_kinds(problem: Problem, draws: Draws) -> Given | None:
    """12 apples and 9 pears -> 12 apples and 25% fewer pears than apples."""
    query = problem.query
    found = []
    for match in _TWO_KINDS.finditer(query):
        first, second = Fraction(match[1]), Fraction(match[3])
        one, two = match[2], match[4]
        if one.split()[-1] == two.split()[-1] and not (" " in one and " " in two):
            continue
        if first < 4 or second < 2 or first == second or one == two or not once(query, match[3]):
            continue
        inside = re.search(r"\b(?:with|of|by|per) $", query[: match.start()])
        if (
            inside
            or re.match(r"[^.]*\bthat number\b", query[match.end() :])
            or MEASURE.search(one)
            or MEASURE.search(two)
        ):
            continue
        if re.search(r"\b(?:nights|others|hundreds|dozens)\b", query):
            continue
        if second <= 3 * first and _used(problem, second) and _used(problem, first):
            found.append((match, first, second, one, two))
    if not found:
        return None
    match, first, second, one, two = _pick(draws, found)
    than = one
    if " " in one and " " in two and one.split()[-1] == two.split()[-1]:
        than = f"{one.split()[0]} ones"
    difference = abs(second - first) / first
    word = "more" if second > first else "fewer"
    ways: list[tuple[str, str]] = []
    for share in _shares(difference, percent=True):
        sign = "+" if second > first else "-"
        ways.append((
            f"{share.words} {word} {two} than {than}",
            f"{capital(share.words)} of {first} is {share.of(first)}, so the number of {two} is"
            f" {calculated(f'{first}{sign}{first * difference}')}.",
        ))  # fmt: skip
    for share in _shares(second / first):
        ways.append((
            f"{'only ' if draws.below(4) == 0 else ''}{share.words} as many {two} as {than}",
            f"{capital(share.words)} of {first} is {share.of(first)}, so the number of {two} is {second}.",
        ))  # fmt: skip
    ways = [way for way in ways if not re.match(r"(?:only )?\d+%", way[0]) or " as many " not in way[0]]
    if not ways:
        return None
    text, step = _pick(draws, ways)
    return Given(match.start(3), match.end(4), text, step)


_COMPARED = re.compile(
    r"(?<![-.,/\d])(\$?)(\d+) (?:dollars |years |inches |feet |pounds |minutes |miles |centimeters |cm |kg )?"
    r"(more|less|fewer|older|younger|taller|shorter|longer|heavier|lighter)((?: [a-z]+){0,3}?) than\b"
    r"(?! (?:the number|\d|half|one|what|usual|that|it|a\b|an\b|two|three|twice|double|triple|\w+ times))"
)


def _compared(problem: Problem, draws: Draws) -> Given | None:
    """5 more eggs than Tom, who has 20 -> 25% more eggs than Tom."""
    query = problem.query
    found = []
    for match in _COMPARED.finditer(query):
        number, word = Fraction(match[2]), match[3]
        if not once(query, match[2]) or re.search(r"\b(?:times|and|or|if)\b", match[4]):
            continue
        with_it = [
            (line, text)
            for line, text in expressions(problem)
            if number in [value for _, _, value in spans(text)]
        ]  # fmt: skip
        two = _TWO.fullmatch(with_it[0][1]) if len(with_it) == 1 else None
        up = word in ("more", "older", "taller", "longer", "heavier")
        if not two or two[2] != ("+" if up else "-"):
            continue
        whole = Fraction(two[1])
        if two[2] == "+" and whole == number:
            whole = Fraction(two[3])
        elif Fraction(two[3]) != number:
            continue
        line = first_line(problem, number)
        shares = _shares(number / whole) if whole else []
        shares = [share for share in shares if not (share.percent and "%" in query)]
        shares = [share for share in shares if share.percent] or shares
        if whole <= 4 or whole == number or not shares or not _before(problem, whole, line):
            continue
        if sum(value == whole for _, text in expressions(problem) for _, _, value in spans(text)) > 2:
            continue
        found.append((match, whole, line, _pick(draws, shares)))
    if not found:
        return None
    match, whole, line, share = _pick(draws, found)
    if not share.percent and share.words not in ("a third", "one third"):
        return None
    money = bool(match[1]) or "dollars" in match[0]
    of = f"${amount(whole)}" if money else number_text(whole)
    step = f"{capital(share.words)} of {of} is {share.of(whole, money)}."
    return Given(match.start(), match.end(4), f"{share.words} {match[3]}{match[4]}", step, line)


def _before(problem: Problem, value: Fraction, line: int) -> bool:
    """Whether a value is given, or is a result of the lines before ``line``."""
    if any(number == value for _, _, number in spans(problem.query)):
        return True
    early = "\n".join(problem.response.split("\n")[:line])
    return any(Fraction(found) == value for found in re.findall(r"=([0-9]+(?:\.[0-9]+)?)>>", early))


_PART = re.compile(
    rf"\b(?:{_VERBS}) (?:away |out |off )?(?P<what>(?P<money>\$)?(?P<part>\d+)(?P<rest>"
    rf" of (?:them|these|those|the [a-z]+s|his [a-z]+s|her [a-z]+s|their [a-z]+s)\b| (?P<noun>{_NOUN})|))"
    rf"(?=[.;?]|,? and (?:then )?(?:{_VERBS})\b| (?:to|away|at|on|for|in|from|during|yesterday|today)\b)"
    r"(?! (?:an?|each|every|per|for \$|for each)\b| on (?:the first|each)|each)"
)


def _part(problem: Problem, draws: Draws) -> Given | None:
    """40 books, of which she gives 10 away -> she gives 25% of them away."""
    query = problem.query
    numbers = spans(query)
    found = []
    for match in _PART.finditer(query):
        part = Fraction(match["part"])
        at = next(index for index, (start, _, _) in enumerate(numbers) if start == match.start("part"))
        if at == 0 or not once(query, match["part"]) or not once(query, query[slice(*numbers[at - 1][:2])]):
            continue
        start, end, whole = numbers[at - 1]
        paid = query[:start].endswith("$")
        if part < 2 or part >= whole or not _subtracted(problem, whole, part) or paid != bool(match["money"]):
            continue
        owned = re.match(r" (?:[a-z]+ )?([a-z]+s)\b|(?=[ .])", query[end:]) if not paid else re.match(r"", "")
        if not owned or re.search(r"\b(?:each|every|per|more|another|other)\b", query[start : match.end() + 12]):
            continue
        if match["noun"] and (not owned.lastindex or owned[1] != match["noun"].split()[-1] or " " in match["noun"]):
            continue
        if not paid and not owned.lastindex:
            continue
        shares = _shares(part / whole)
        if shares:
            found.append((match, whole, _pick(draws, shares), paid))
    if not found:
        return None
    match, whole, share, paid = _pick(draws, found)
    rest = match["rest"]
    if paid:
        of = _pick(draws, ["of the money", "of this money"])
    elif match["noun"]:
        of = f"of the {match['noun']}"
    else:
        of = rest.strip() if rest else "of them"
    text = amount(whole)
    sign = "$" if paid else ""
    step = f"{capital(share.words)} of {sign}{text} is {share.of(whole, paid)}."
    return Given(match.start("what"), match.end("what"), f"{share.words} {of}", step)


def _discount(problem: Problem, draws: Draws) -> Given | None:
    """Costs $15 -> costs $20 before a discount of 25%; or 25% more than last year's price of $12."""
    query = problem.query
    found = []
    for match in re.finditer(
        r"\b(cost|costs)(?P<price> \$(\d+(?:\.\d\d)?))(?P<each> each| apiece| per [a-z]+| (?:a|an) [a-z]+)?(?=[.,?]|$)"
        r"(?!,\d|\.\d)",
        query,
    ):
        price = Fraction(match[3])
        if price < 2 or not once(query, match[3]) or not _used(problem, price):
            continue
        if re.search(r"%|percent|discount|sale\b|tax\b|\boff\b", query):
            continue
        plain = not re.search(_RELATIVE, query)
        for percent in (5, 10, 15, 20, 25, 30, 40):
            old = price * 100 / (100 - percent)
            low = price * 100 / (100 + percent)
            if plain and (old * (1 if price > 20 or price.denominator == 1 else 4)).denominator == 1:
                found.append((match, price, percent, old, True))
            if percent <= 25 and low.denominator == 1:
                found.append((match, price, percent, low, False))
    if not found:
        return None
    match, price, percent, old, down = _pick(draws, found)
    each = match["each"] or ""
    share = next(share for share in SHARES if share.percent and share.top == percent)
    part, base = share.of(old, True), amount(old)
    change = amount(old * percent / 100)
    if down:
        words = _pick(draws, [f"before a discount of {percent}%", f"before a {percent}% discount"])
        text = f" ${base}{each} {words}"
        step = f"The discount of {percent}% is {part}, so the price is {calculated(f'{base}-{change}', True)}."
    else:
        when = _pick(draws, ["last year", "last month"])
        if re.search(r"\b(?:year|month)", query) or query[match.end() : match.end() + 1] == ",":
            return None
        text = f" {percent}% more than {when}, when the price was ${base}{each}"
        step = f"The price has risen by {part}, so it is {calculated(f'{base}+{change}', True)}."
    if each.startswith(" an "):
        return None
    return Given(match.start("price"), match.end(), text, step)


def _wage(problem: Problem, draws: Draws) -> Given | None:
    """Earns $12 an hour -> earns 20% more than the usual wage of $10 an hour."""
    query = problem.query
    match = re.search(
        r"\b(?:earns?|earned|makes|make|made|(?:gets|is|was|be|are|get|being) paid|gets|works for|paid)"
        r"(?P<pay> (?:(?P<at>at) )?\$(?P<wage>\d+(?:\.\d\d)?)) ?(?P<per>an |per |every |each |/ ?)hour"
        r"(?=[.,]| (?:and|for|to|at|from|working|babysitting|tutoring)\b)",
        query,
    )
    if not match or not once(query, match["wage"]) or not _used(problem, Fraction(match["wage"])):
        return None
    wage = Fraction(match["wage"])
    found = [(p, wage * 100 / (100 + p), "more") for p in (5, 10, 15, 20, 25, 30, 40, 50)]
    found += [(p, wage * 100 / (100 - p), "less") for p in (5, 10, 15, 20, 25)]
    found = [(p, usual, word) for p, usual, word in found if (usual * 2).denominator == 1 and 7 <= usual <= 60]
    if not found or re.search(r"%|percent|overtime|raise", query):
        return None
    percent, usual, word = _pick(draws, found)
    share = next(share for share in SHARES if share.percent and share.top == percent)
    base, change = amount(usual), amount(usual * percent / 100)
    sign = "+" if word == "more" else "-"
    whose = _pick(draws, ["the usual wage of", "the average wage of"])
    return Given(
        match.start("pay"), match.end(), f" {percent}% {word} than {whose} ${base} an hour",
        f"The wage is {share.of(usual, True)} {'higher' if word == 'more' else 'lower'} than ${base} an hour, so it is"
        f" {calculated(f'{base}{sign}{change}', True)} an hour.",
    )  # fmt: skip


_UNITS = [
    ("minutes", 60, "an hour", (2, 3, 4, 5, 6)), ("inches", 12, "a foot", (2, 3, 4)),
    ("grams", 1000, "a kilogram", (2, 4, 5, 10)), ("centimeters", 100, "a meter", (2, 4, 5, 10)),
    ("ounces", 16, "a pound", (2, 4, 8)), ("milliliters", 1000, "a liter", (2, 4, 5, 10)),
    ("seconds", 60, "a minute", (2, 3, 4)),
]  # fmt: skip
"""Small unit, how many make a large one, the large one, and usual fractions of it."""
_NO_UNIT = {
    "inches": r"\b(?:feet|square|area|by|x|rain\w*|snow\w*)\b",
    "ounces": r"\b(?:water|milk|juice|soda|coffee|tea|drinks?|cups?|bottles?|glass(?:es)?|liquid|fluid|gallons?)\b",
    "minutes": r"\b(?:faster|slower)\b",
}
"""Unit -> words of questions in which it stays."""


def _unit(problem: Problem, draws: Draws) -> Given | None:
    """45 minutes -> three quarters of an hour."""
    query = problem.query
    found = []
    for small, factor, a_large, bottoms in _UNITS:
        if re.search(_NO_UNIT.get(small, "^$"), query):
            continue
        for match in re.finditer(
            rf"(?<![-$.,/\d])(?<!every )(?<!each )(?<!per )(?<!last )(?<!next )(?<!first )(?<!another )(?<!and )"
            r"(?<!\ba )(?<!\ban )(?<!\bof )"
            rf"\b(\d+) {small}\b(?!,? (?:old|per|an?|each|every|and|or|ago|\d|tall|older|younger|fast|slow|more|less|"
            rf"longer|short|lat|earl|away|worth|to|in|apart|late|early|deep|wide|by|long|high|of sleep)\b|'|-|/)",
            query,
        ):
            part = Fraction(match[1]) / factor
            fits = [item for item in SHARES if item.value == part and item.bottom in bottoms]
            if not fits or not once(query, match[1]) or not _used(problem, Fraction(match[1])):
                continue
            found.append((match, _pick(draws, fits), factor, a_large, small))
    if not found:
        return None
    match, share, factor, a_large, small = _pick(draws, found)
    text = f"half {a_large}" if share.bottom == 2 else f"{share.words} of {a_large}"
    step = f"{capital(text)} is {share.of(factor)} {small}."
    return Given(match.start(), match.end(), text, step)


RATIOS: dict[Restate, re.Pattern[str]] = {_two_kinds: _TWO_KINDS, _compared: _COMPARED, _part: _PART}
"""Way -> a pattern of the questions that it fits if two of their numbers have a plain ratio."""
GIVEN: tuple[Restate, ...] = (_two_kinds, _compared, _part, _discount, _wage, _unit)
"""Ways to state a given quantity as a share."""
