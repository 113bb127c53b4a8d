"""State a given quantity as a percentage more or less than a usual one, which the story adds."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import PEOPLE
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import amount, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.names import BOYS, GIRLS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Given, Restate, expressions, first_line, once
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import MEASURE, SHARES, Share
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

_WORK = (
    r"bakes|baked|makes|made|picks|picked|sells|sold|reads|read|collects|collected|plants|planted|writes|wrote|catches|"
    r"caught|gathers|gathered|runs|ran|walks|walked|jogs|jogged|bikes|biked|swims|swam|drives|drove|delivers|delivered|"
    r"paints|painted|washes|washed|produces|produced|harvests|harvested|knits|knitted|types|typed|prints|printed|cooks|"
    r"cooked|packs|packed|builds|built|solves|solved|hikes|hiked|draws|drew|folds|folded|earns|earned|practices|practiced"
)
_AFTER = (
    r"(?=[.,;?]|$| (?:in|on|at|for|to|from|with|during|yesterday|today|every|each|per|a|an|and) )"
    r"(?! (?:and|a|an) \d| and (?:sells|sold) (?:it|them)|,? (?:and )?\d| of (?:them|these|his|her|their|the)\b|"
    r" each\b)"
)
_NO_THING = re.compile(r"\b(?:more|fewer|less|times|percent|other|dollars|of|in|than|new|first|last|who|days)\b")
_PER = (
    r"(?: each| apiece| per [a-z]+|"
    r" (?:a|an) (?:pound|gallon|bag|box|bottle|dozen|piece|pack|pair|ticket|day|week|hour|month))?"
)


def _pick(draws: Draws, options: list) -> tuple:
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


def usual(problem: Problem, draws: Draws) -> Given | None:
    """Bakes 24 cookies -> bakes 20% more than the usual 20 cookies."""
    found = []
    for match in re.finditer(
        rf"\b(?:{_WORK}) (?P<number>\d+) (?P<noun>(?:[a-z]+ )?[a-z]+s)\b{_AFTER}", problem.query
    ):  # fmt: skip
        value, noun = Fraction(match["number"]), match["noun"]
        if _NO_THING.search(noun):
            continue
        if re.search(r"\b(?:recipe|already|tree|only)\b", problem.query[: match.start()].rpartition(".")[2]):
            continue
        if value >= 6 and _fits(problem, match["number"]) and not re.search(r"usual|%", problem.query):
            found += [(match, value, *change) for change in _changes(value, whole=True)]
    if not found:
        return None
    match, value, share, old, word = _pick(draws, found)
    noun = match["noun"]
    fewer = word if word == "more" or MEASURE.search(noun) else "fewer"
    which = _pick(draws, ["the usual", "the usual", "the expected"])
    text = f"{share.words} {fewer} than {which} {amount(old)} {noun}"
    step = _step(old, share, word, f"the number of {noun}", money=False)
    return Given(match.start("number"), match.end("noun"), text, step, first_line(problem, value))


def than_a_friend(problem: Problem, draws: Draws) -> Given | None:
    """Tom has 20 pens -> Tom has 25% more pens than a friend who has 16."""
    found = []
    for match in re.finditer(
        r"\b(?P<who>[A-Z][a-z]+) "
        r"(?P<verb>has|had|owns|owned|buys|bought|collects|collected|picks|picked|finds|found|reads|read|bakes|baked)"
        r" (?P<number>\d+) (?P<noun>(?:[a-z]+ )?[a-z]+s)\b(?=[.]|, |\. | and )",
        problem.query,
    ):
        value, noun = Fraction(match["number"]), match["noun"]
        after = problem.query[match.end() : match.end() + 12]
        if _NO_THING.search(noun):
            continue
        if match["who"] not in BOYS | GIRLS:
            continue
        if (
            MEASURE.search(noun)
            or PEOPLE.search(noun)
            or re.match(r",? (?:and )?\d|, (?:which|who|each|and|of)\b", after)
        ):
            continue
        if value >= 6 and _fits(problem, match["number"]):
            found += [(match, value, *change) for change in _changes(value, whole=True)]
    if not found:
        return None
    match, value, share, old, word = _pick(draws, found)
    who = _pick(draws, [w for w in ("a friend", "a neighbor", "a cousin") if w.split()[1] not in problem.query] or [""])
    if not who or re.search(r"\b(?:together|all of them|each of them|altogether|friends)\b", problem.query):
        return None
    noun, verb = match["noun"], match["verb"]
    fewer = "more" if word == "more" else "fewer"
    text = f"{share.words} {fewer} {noun} than {who} who {verb} {amount(old)}"
    step = _step(old, share, word, f"the number of {noun}", money=False)
    if problem.query[match.end() : match.end() + 5] == " and ":
        text += ","
    return Given(match.start("number"), match.end("noun"), text, step, first_line(problem, value))


def usual_price(problem: Problem, draws: Draws) -> Given | None:
    """For $12 each -> for 20% less than the usual price of $15 each."""
    query = problem.query
    if re.search(
        r"%|percent|discount|coupon|\boff\b|usual|\bsale\b|\bregular|\bnew\b|design|invent|worth|price", query
    ):
        return None
    found = []
    for match in re.finditer(
        rf"\b(?P<before>(?:sells?|sold|buys?|bought|costs?|charges?|charged|pays?|paid)\b[^.$%]{{0,40}}?"
        rf"(?: for| at|(?<=costs)|(?<=cost)|(?<=charges)|(?<=charged)))"
        rf"(?P<price> \$(?P<number>\d+(?:\.\d\d)?)(?P<per>{_PER}))(?=[.,;?]|$| and | for (?:his|her|their))"
        r"(?!,\d|\.\d)",
        query,
    ):
        value = Fraction(match["number"])
        bare = re.search(r"\d", match["before"][-12:]) and not match["per"]
        if value < 1 or bare or not _fits(problem, match["number"]):
            continue
        found += [(match, value, *change) for change in _changes(value, whole=value > 20)]
    if not found:
        return None
    match, value, share, old, word = _pick(draws, found)
    per = match["per"]
    time = re.search(r"hour|day|week|month", per)
    name = _pick(draws, ["the usual price", "the normal price", "the average price"])
    if time:
        name = _pick(draws, ["the usual rate", "the average rate"])
    text = f" {share.words} {word} than {name} of ${amount(old)}{per}"
    step = _step(old, share, word, f"the {'rate' if time else 'price'}{per if ' ' in per.strip() else ''}", money=True)
    return Given(match.start("price"), match.end("price"), text, capital(step), first_line(problem, value))


USUAL: tuple[Restate, ...] = (usual, than_a_friend, usual_price)
"""Ways to state a given quantity as a percentage more or less than a new one."""
