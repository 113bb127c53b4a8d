"""State a given quantity as a percentage more or less than a usual, planned or expected one, which the story adds."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TypeVar

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import PEOPLE
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import amount, calculated, capital, gender, names
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import FOOD, MEN, WOMEN
from arith_puzzle.dataset_builder.aug_gsm8k.rules.names import BOYS, GIRLS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Given, Restate, expressions, first_line, once
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import MEASURE, SHARES, Share
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

T = TypeVar("T")
_MAKE = "bakes|baked|makes|made|knits|knitted|cooks|cooked|packs|packed|builds|built|folds|folded|prepares|prepared"
_GAIN = (
    "picks|picked|sells|sold|collects|collected|plants|planted|gathers|gathered|delivers|delivered|washes|washed|"
    "produces|produced|harvests|harvested"
)
_WHO = r"[A-Z][a-z]+|[Hh]e|[Ss]he|[Tt]hey|bakery|baker|farmer|factory|plantation|farm|store|shop|company|class|team"
_REST = r"(?:,? (?:and|but|then|while|for|on|at|in|from|to|yesterday|today|which)\b[^.?\d]*)?[.]"
"""The rest of the sentence behind a number of things. It names no other number."""
_NO_PLAN = re.compile(
    r"\b(?:already|tree|only|if|needs?|needed|wants?|wanted|has to|had to|can|could|goal|each|every|per|a day|a week|"
    r"an hour|a month|times|twice|half|as many|usual\w*|total|all|blocks)\b",
    re.IGNORECASE,
)
_NO_THING = re.compile(r"\b(?:more|fewer|less|times|percent|other|dollars|of|in|than|new|first|last|who|days)\b")
_PLACE = "school|store|shop|library|bakery|zoo|farm|restaurant|museum|park|company|town|hotel|class|classroom|factory"
_PASSING = re.compile(
    r"\b(?:passengers|guests|brothers|sisters|siblings|cousins|rows|teeth|legs|sides|weeks|classes|parts|pieces|slices)\b"
)
_COUNT = "two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|dozen|several|some|all|both|them"
_VAGUE = "gifts?|presents?|labor|materials|supplies|everything|fees?|fine|tax|bills?|parking"
_CHEAP = (
    r"cand(?:y|ies)|chocolates?|pencils?|pens?|erasers?|eggs?|apples?|oranges?|bananas?|cookies?|muffins?|donuts?|"
    r"stickers?|sodas?|chips|water|gum|popcorn|burgers?|hot ?dogs?|sandwich(?:es)?|ice cream|cups?"
)
_PER = (
    r"(?: each| apiece| per [a-z]+|"
    r" (?:a|an) [a-z]+)?"
)


def _pick(draws: Draws, options: list[T]) -> T:
    return options[draws.below(len(options))]


def _changes(value: Fraction, whole: bool) -> list[tuple[Share, Fraction, str]]:
    """(percentage, old value, "more" or "less") such that the old value changes into the new one."""
    found = []
    for share in SHARES:
        if not share.percent or not 10 <= share.top <= 40 or share.top == 45 or share.top == 35:
            continue
        for word, old in (("more", value / (1 + share.value)), ("less", value / (1 - share.value))):
            grid = Fraction(1) if whole else Fraction(1, 2) if value < 50 else Fraction(1)
            if (old / grid).denominator == 1 and old >= 2:
                found.append((share, old, word))
    return found


def _fits(problem: Problem, number: str) -> bool:
    """Whether a number stands once in the question and is used by the solution."""
    value = Fraction(number)
    used = any(value == other for _, text in expressions(problem) for _, _, other in spans(text))
    return used and once(problem.query, number)


def _step(old: Fraction, share: Share, word: str, what: str, money: bool) -> str:
    sign = "+" if word == "more" else "-"
    change = amount(old * share.value)
    dollar = "$" if money else ""
    return (
        f"{share.words} of {dollar}{amount(old)} is {share.of(old, money)}, so {what} is"
        f" {calculated(f'{amount(old)}{sign}{change}', money)}."
    )


def _points_back(query: str) -> bool:
    """Whether a later quantity is compared with one that is not named, which may then be the new one."""
    early = re.split(r"[.!?] ", query)[:-1]
    bare = any(re.search(r"\b(?:more|fewer|less)\b", each) and " than " not in each for each in early)
    return bare or bool(re.search(r"\b(?:[Tt]hat's|[Tt]his is|[Tt]hat is|that (?:many|number|amount)|of it\b)", query))


def expected(problem: Problem, draws: Draws) -> Given | None:
    """Bakes 24 cookies -> bakes 20% more than the planned 20 cookies."""
    query = problem.query
    found = []
    for match in re.finditer(
        rf"\b(?:{_WHO}) (?:also )?(?:(?P<make>{_MAKE})|{_GAIN}) (?P<number>\d+) (?P<noun>(?:[a-z]+ )?[a-z]+s)\b"
        rf"(?={_REST})",
        query,
    ):
        value, noun = Fraction(match["number"]), match["noun"]
        before = re.split(r"[.!?] ", query[: match.start()])[-1]
        sentence = before + query[match.start() :].partition(".")[0]
        if _NO_THING.search(noun) or _NO_PLAN.search(sentence) or re.search(r"\d|%", before) or "%" in query:
            continue
        if value >= 6 and _fits(problem, match["number"]) and not _points_back(query):
            found += [(match, *change) for change in _changes(value, whole=True)]
    if not found:
        return None
    match, share, old, word = _pick(draws, found)
    noun = match["noun"]
    fewer = word if word == "more" or MEASURE.search(noun) else "fewer"
    which = "planned" if match["make"] else "expected"
    text = f"{share.words} {fewer} than the {which} {amount(old)} {noun}"
    step = _step(old, share, word, f"the number of {noun}", money=False)
    return Given(match.start("number"), match.end("noun"), text, step, first_line(problem, Fraction(match["number"])))


_THINGS = r"(?P<number>\d+) (?P<noun>(?:[a-z]+ )?[a-z]+s)\b(?P<where>(?: (?:in|on|at|to|from|with) [^.,?;\d]*)?)\."
_HAS = re.compile(
    rf"(?:^|(?<=[.!] ))(?:(?P<who>[A-Z][a-z]+)|(?:The|A|Her|His|Their) (?P<place>{_PLACE})) "
    rf"(?P<be>has|had|owns) {_THINGS}|"
    rf"(?:^|(?<=[.!] ))(?:(?:In|At|On) [^,.\d]+,? )?[Tt]here (?P<are>are|were) {_THINGS.replace('P<', 'P<_')}"
)
_NO_BEFORE = re.compile(
    r"%|\b(?:percent|last|ago|before|previous\w*|originally|initially|first|usual\w*|more than|in total|each|every|"
    r"half|equal|trip|game|party|recipe|beginning|start|one|pages?)\b|\b(?:in|on) an? (?!library|class)|[¼½¾]",
    re.IGNORECASE,
)


def than_before(problem: Problem, draws: Draws) -> Given | None:
    """Tom has 24 pens -> Tom has 20% more pens than last year, when he had 20."""
    query = problem.query
    if _NO_BEFORE.search(query):
        return None
    found = []
    for match in _HAS.finditer(query):
        way = "" if match["number"] else "_"
        value, noun = Fraction(match[f"{way}number"]), match[f"{way}noun"]
        who = "it" if match["place"] else _pronoun(match["who"], query) if match["who"] else "there"
        if value < 6 or not who or _NO_THING.search(noun) or MEASURE.search(noun) or _PASSING.search(noun):
            continue
        if (match["who"] and PEOPLE.search(noun)) or not _fits(problem, match[f"{way}number"]):
            continue
        found += [(match, way, who, *change) for change in _changes(value, whole=True)]
    if not found:
        return None
    match, way, who, share, old, word = _pick(draws, found)
    noun, past = match[f"{way}noun"], (match["be"] or match["are"]) in ("had", "were")
    period = (
        "day"
        if noun.split()[-1] in FOOD or re.search("cand|bars|flower|roses|fruit", noun)
        else _pick(draws, ["week", "month", "year"])
    )
    when = f"the {period} before" if past else f"last {period}".replace("last day", "yesterday")
    fewer = word if word == "more" else "fewer"
    had = "there were" if who == "there" else f"{who} had"
    text = f"{share.words} {fewer} {noun}{match[f'{way}where']} than {when}, when {had} {amount(old)}."
    step = _step(old, share, word, f"the number of {noun}", money=False)
    start = match.start(f"{way}number")
    return Given(start, match.end(), text, step, first_line(problem, Fraction(match[f"{way}number"])))


def _pronoun(who: str, query: str) -> str:
    """The pronoun of the first word of a sentence; an empty string if it is not known."""
    if who in ("He", "She"):
        return who.lower()
    he, she = who in MEN | BOYS and who not in GIRLS, who in WOMEN | GIRLS and who not in BOYS
    pronoun = "he" if he else "she" if she else ""
    return pronoun if gender(query) in ("", pronoun) or len(names(query)) > 1 else ""


def usual_price(problem: Problem, draws: Draws) -> Given | None:
    """For $12 each -> for 20% less than the usual price of $15 each."""
    query = problem.query
    if re.search(
        r"%|percent|discount|coupon|\boff\b|usual|normal|\bsale\b|\bregular|\bnew\b|design|invent|worth|price",
        query.lower(),
    ):
        return None
    found = []
    for match in re.finditer(
        rf"\b(?P<before>(?:sells?|sold|buys?|bought|costs?|charges?|charged|pays?|paid)\b[^.$%]{{0,40}}?"
        rf"(?: for| at|(?<=costs)|(?<=cost)|(?<=charges)|(?<=charged)))"
        rf"(?P<price> \$(?P<number>\d+(?:\.\d\d)?)(?P<per>{_PER}))(?=[.,;?]|$| and | for (?:his|her|their))"
        r"(?!,\d|\.\d|,? (?:and |or )?\$)",
        query,
    ):
        value = Fraction(match["number"])
        said = re.split(r"[.!?] ", query[: match.start("price")])[-1]
        bare = re.search(rf"\d|\b(?:{_COUNT})\b", said[-30:] + match["before"], re.IGNORECASE) and not match["per"]
        vague = re.search(rf"\b(?:{_VAGUE})\b", said, re.IGNORECASE)
        dear = value > 20 and re.search(rf"\b(?:{_CHEAP})\b", said, re.IGNORECASE)
        if value < 1 or bare or vague or dear or not _fits(problem, match["number"]):
            continue
        found += [(match, value, *change) for change in _changes(value, whole=value > 20)]
    if not found:
        return None
    match, value, share, old, word = _pick(draws, found)
    per = match["per"]
    time = re.search(r"hour|day|week|month", per)
    name = f"the {_pick(draws, ['usual', 'normal'])} {'rate' if time else 'price'}"
    text = f" {share.words} {word} than {name} of ${amount(old)}{per}"
    step = _step(old, share, word, f"the {'rate' if time else 'price'}{per if ' ' in per.strip() else ''}", money=True)
    return Given(match.start("price"), match.end("price"), text, capital(step), first_line(problem, value))


USUAL: tuple[Restate, ...] = (expected, than_before, usual_price)
"""Ways to state a given quantity as a percentage more or less than a new one."""
