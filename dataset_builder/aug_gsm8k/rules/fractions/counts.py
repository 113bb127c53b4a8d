"""Shares of a final number of things: handed on, taken away, compared, raised, or set against a goal."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import PEOPLE
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import COLOR_WORDS, COLORED, FEED, FOOD, GOODS, WORTH
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import (
    HELD_VERBS,
    WORK_VERBS,
    Share,
    clean,
    counted,
    crowd,
    held,
    relative,
    shares_of,
    there,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import number_text

_SIMPLE_TAIL = re.compile(
    r"^(?:now|this week|last week|that week|today|yesterday|that day|this month|this year|on [A-Z][a-z]+day|"
    r"(?:in|for|over|during) (?:the )?(?:\d+|two|three|four|five|six) (?:days|weeks|months|hours|years|minutes)|"
    r"in (?:a|one) (?:day|week|month|year|hour)|"
    r"(?:a|per) (?:day|week|month|year))?$"
)


def _sum(first: Fraction, second: Fraction, sign: str) -> str:
    return calculated(f"{number_text(first)}{sign}{number_text(second)}")


def handed_on(story: Story) -> Made | None:
    """Gives a share to somebody; how many are left?"""
    other = relative(story)
    shares = shares_of(story.value, 0.05, 0.75)
    if not held(story) or not other or not shares:
        return None
    share, person, noun, phrase = story.pick(shares), story.actor, story.final.noun, story.phrase
    part = story.value * share.value
    rest = story.value - part
    if 1 in (part, rest):
        return None
    verb, link = story.pick([("give", "to"), ("give", "to"), ("hand", "to"), ("send", "to")])
    gives = f"of {phrase}, {person.pronoun} {story.verb(verb)} {share.words} {link} {other}"
    second = story.draws.below(3) == 0
    first_step = Step(f"{capital(person.pronoun)} {story.verb(verb)} {share.of(story.value)} {noun} {link} {other}.")
    keeps = Step(f"{capital(person.pronoun)} {story.verb('keep')} {_sum(story.value, part, '-')} {noun}.")
    if second:
        more = shares_of(rest, 0.1, 0.6)
        others = [word for word in ("teacher", "aunt", "uncle") if not story.says(word)]
        if not more or not others:
            return None
        then = story.pick(more)
        gone = rest * then.value
        if 1 in (gone, part, rest - gone):
            return None
        target = f"{person.possessive} {story.pick(others)}"
        return (
            f"{capital(gives)} and {then.words} of the rest to {target}. How many {noun} {story.asked('keep')}?",
            [
                first_step,
                Step(f"Then {person.pronoun} {story.verb('have')} {_sum(story.value, part, '-')} {noun}."),
                Step(f"{capital(target)} {story.other('get')} {then.of(rest)} {noun}."),
                Step(f"{capital(person.pronoun)} {story.verb('keep')} {_sum(rest, gone, '-')} {noun}."),
            ],
            rest - gone,
        )
    if story.draws.below(3) == 0:
        return (
            f"{capital(gives)}. How many {noun} {story.asked('get', other)}?",
            [Step(f"{capital(other)} {story.other('get')} {share.of(story.value)} {noun}.")],
            part,
        )
    how = story.pick(["keep", "have left after that"])
    return f"{capital(gives)}. How many {noun} {story.asked(how)}?", [first_step, keeps], rest


def compared(story: Story) -> Made | None:
    """Somebody else has 25% more."""
    final = story.final
    other = relative(story)
    if final.kind != "count" or not story.person or not other or final.needed or not clean(story):
        return None
    if final.verb not in HELD_VERBS | WORK_VERBS | {"eat", "drink", "work", "sell", "buy", "use", "drive"}:
        return None
    if re.match(r"(?:can|could|should|would|still|initially|originally) ", final.rest) or (story.whole or 0) < 5:
        return None
    if not _SIMPLE_TAIL.match(final.tail) or story.says(r"siblings|together") or story.actor.plural:
        return None
    shares = [share for share in shares_of(story.value, 0.1, 0.8) if share.percent or share.bottom in (3, 4, 5)]
    shares = [share for share in shares if share.top in (1, share.bottom) or share.percent]
    if not shares:
        return None
    share = story.pick(shares)
    up = bool(story.draws.below(2))
    noun, person, verb = final.noun, story.actor, final.verb
    word, sign = ("more", "+") if up else ("fewer", "-")
    do = {"past": "did", "future": "will"}.get(final.tense, "do" if person.plural else "does")
    tail = f" {final.tail}" if final.tail and final.tail != "now" else ""
    opening = f"{capital(other)} {story.other(verb)} {share.words} {word} {noun}{tail} than {person.pronoun} {do}"
    part = story.value * share.value
    theirs = story.value + part if up else story.value - part
    steps = [
        Step(f"{capital(share.words)} of {story.whole} is {share.of(story.value)}."),
        Step(f"So {other} {story.other(verb)} {_sum(story.value, part, sign)} {noun}."),
    ]
    if story.draws.below(2):
        asked = {"past": "did", "future": "will"}.get(final.tense, "do")
        return (
            f"{opening}. How many {noun} {asked} the two of them {verb} together?",
            [*steps, Step(f"Together, they {_plural(story, verb)} {_sum(story.value, theirs, '+')} {noun}.")],
            story.value + theirs,
        )
    return f"{opening}. How many {noun} {story.asked(verb, other)}?", steps, theirs


def _plural(story: Story, verb: str) -> str:
    """The verb in the story's tense after "they"."""
    return verb if story.final.tense == "present" else story.other(verb)


def _works(story: Story) -> bool:
    final = story.final
    free = not re.match(r"(?:can|could|should|would|still|initially|originally) ", final.rest)
    return bool(
        final.kind == "count" and story.person and "dollars" not in final.noun and final.verb in WORK_VERBS
        and free and not final.needed
        and clean(story) and (story.whole or 0) >= 5
        and not re.search(r"\b(?:left|still|so far|before|originally|first|more)\b", final.tail)
    )  # fmt: skip


def raised(story: Story) -> Made | None:
    """Wants 20% more the next time."""
    final = story.final
    if not _works(story) or story.says("goal|next") or not _SIMPLE_TAIL.match(final.tail):
        return None
    shares = [share for share in shares_of(story.value, 0.05, 0.5, percent=True)]
    if not shares:
        return None
    share, person = story.pick(shares), story.actor
    period = next((word for word in ("week", "month", "year", "day") if re.search(rf"\b{word}\b", final.tail)), None)
    when = f"the next {period}" if period and period != "day" else "the next time"
    if period == "day":
        when = "the next day"
    if period and re.search(r"\d|\b(?:a|per|one|two|three|four|five|six)\b", final.tail):
        when = "later"
        if not re.search(r"\b(?:a|per|one)\b", final.tail):
            return None
    part = story.value * share.value
    want = {"past": "wanted", "future": "wants"}.get(final.tense, "wants")
    want = "want" if person.plural and final.tense != "past" else want
    verb, noun = final.verb, final.noun
    up = story.draws.below(4) > 0
    word, sign = ("more", "+") if up else ("fewer", "-")
    new = story.value + part if up else story.value - part
    helper = "did" if final.tense == "past" else "do" if person.plural else "does"
    if when == "later":
        rate = re.search(r"(?:a|per|one) (\w+)", final.tail)
        when = f"per {rate[1] if rate else 'week'} from then on"
    if up:
        opening = f"{capital(person.pronoun)} {want} to {verb} {share.words} {word} {noun} {when}"
    else:
        plan = "planned" if final.tense == "past" else "plan" if person.plural else "plans"
        opening = f"{capital(person.pronoun)} {plan} to {verb} {share.words} {word} {noun} {when}"
        want = plan
    base = "want" if up else "plan"
    ask = f"How many {noun} {helper} {person.pronoun} {base} to {verb} {'then' if when.startswith('the') else when}?"
    return (
        f"{opening}. {ask}",
        [
            Step(f"{capital(share.words)} of {story.whole} is {share.of(story.value)}."),
            Step(f"So {person.pronoun} {want} to {verb} {_sum(story.value, part, sign)} {noun}"
                 f" {when if when.startswith('per') else 'then'}."),
        ],
        new,
    )  # fmt: skip


def goal(story: Story) -> Made | None:
    """A goal, of which the answer is 80%; or the percentage of a goal that is reached."""
    final = story.final
    if not _works(story) or story.says("goal|target|percent|percentage"):
        return None
    person, noun, verb = story.actor, final.noun, final.verb
    goals = [
        (share, story.value / share.value)
        for share in shares_of(Fraction(0), 0.2, 0.9, percent=True)
        if (story.value / share.value).denominator == 1
    ]
    if not goals:
        return None
    share, whole = story.pick(goals)
    was = "was" if final.tense == "past" else "is"
    poss = capital(person.possessive)
    if story.draws.below(2):
        reach = {"past": "did", "future": "will"}.get(final.tense, "do" if person.plural else "does")
        return (
            f"{poss} goal {was} to {verb} {number_text(whole)} {noun} in all. What percentage of the goal {reach}"
            f" {person.pronoun} reach?",
            [
                Step(f"{capital(person.pronoun)} {story.verb('reach')} {story.whole}/{whole} of the goal, which is"
                     f" {calculated(f'{story.whole}/{whole}*100')}%."),
            ],
            share.value * 100,
        )  # fmt: skip
    one = story.value / share.top
    steps = [
        Step(f"{share.words} of that number is {story.whole} {noun}, so 1% of it is"
             f" {calculated(f'{story.whole}/{share.top}')}."),
        Step(f"That number {was} {calculated(f'{number_text(one)}*100')} {noun}."),
    ]  # fmt: skip
    helper = "did" if final.tense == "past" else "do" if person.plural else "does"
    want = "wanted" if final.tense == "past" else "want" if person.plural else "wants"
    return (
        f"In all, {story.phrase} {'were' if final.tense == 'past' else 'are'} {share.words} of the number of {noun}"
        f" that {person.pronoun} {want} to {verb}. How many {noun}"
        f" {helper} {person.pronoun} want to {verb}?",
        steps,
        whole,
    )


def taken_away(story: Story) -> Made | None:
    """A share of what is there goes; how many remain? Or more come."""
    final = story.final
    if not there(story) or final.tense == "future":
        return None
    noun, past = final.noun, final.tense == "past"
    people = bool(PEOPLE.search(noun))
    word = noun.split()[-1]
    known = word in WORTH or word in FOOD or word in GOODS or word in FEED
    if not (crowd(story) if people else known and " of " not in noun and word != "tiles"):
        return None
    share = _pick_share(story, 0.1, 0.75)
    if share is None or re.search(r"\b(?:legs|wheels|trees|rooms|seats|days|hours|minutes|pages|miles)\b", noun):
        return None
    where = re.match(r"(?:in|on|at|inside) .*", final.tail)
    part = story.value * share.value
    rest = story.value - part
    be = "were" if past else "are"
    if people:
        words = f"Later, {share.words} of them {'left' if past else 'leave'}"
        step = f"Later, {share.of(story.value)} of them {'left' if past else 'leave'}."
    elif story.says("sell|sells|sold|store|shop|market|bakery"):
        words = f"Later, {share.words} of them {be} sold"
        step = f"Later, {share.of(story.value)} of them {be} sold."
    elif where:
        words = f"Later, {share.words} of them {be} taken away"
        step = f"Later, {share.of(story.value)} of them {be} taken away."
    else:
        return None
    opening = words.replace("of them", f"of {story.phrase}", 1)
    return (
        f"{opening}. How many {noun} {be} left then?",
        [Step(step), Step(f"Then {_sum(story.value, part, '-')} {noun} {be} left.")],
        rest,
    )


def _pick_share(story: Story, low: float, high: float) -> Share | None:
    shares = shares_of(story.value, low, high)
    return story.pick(shares) if shares else None


def kinds(story: Story) -> Made | None:
    """A share of the things has a color, or a share of the people wears glasses."""
    final = story.final
    if not counted(story) or final.needed:
        return None
    noun = final.noun
    colors = COLORED.get(noun.split()[-1]) if " of " not in noun else None
    people = PEOPLE.search(noun)
    share = _pick_share(story, 0.1, 0.8)
    past = final.tense == "past"
    if share is None or not (people or colors) or (colors and story.says(COLOR_WORDS)):
        return None
    part = story.value * share.value
    rest = story.value - part
    be = "were" if past else "are"
    if people:
        what, ask = story.pick([
            (f"{'wore' if past else 'wear'} glasses", f"{'did' if past else 'do'} not wear glasses"),
            (f"{be} left-handed", f"{be} not left-handed"),
            (f"{'had' if past else 'have'} brown eyes", f"{'did' if past else 'do'} not have brown eyes"),
        ])  # fmt: skip
        if "left-handed" in what and share.value > Fraction(1, 4):
            return None
        if story.says("glasses|eyes|blind"):
            return None
    else:
        assert colors is not None
        color = story.pick(colors)
        what, ask = f"{be} {color}", f"{be} not {color}"
    if story.draws.below(2):
        second = story.pick([share for share in shares_of(rest, 0.1, 0.8)] or [share])
        if not people and colors and (rest * second.value).denominator == 1:
            other = story.pick([color for color in colors if color not in what])
            return (
                f"{capital(share.words)} of {story.phrase} {what}, and {second.words} of the others {be} {other}. How"
                f" many {other} {noun} {be} there?",
                [
                    Step(f"{share.of(story.value)} of the {noun} {what}."),
                    Step(f"{_sum(story.value, part, '-')} of them {ask}."),
                    Step(f"{second.of(rest)} of these {be} {other}."),
                ],
                rest * second.value,
            )
    return (
        f"{capital(share.words)} of {story.phrase} {what}. How many of them {ask}?",
        [Step(f"{share.of(story.value)} of the {noun} {what}."), Step(f"{_sum(story.value, part, '-')} {ask}.")],
        rest,
    )


def time_saved(story: Story) -> Made | None:
    """A task takes 25% less time the next time."""
    final = story.final
    match = re.fullmatch(r"(?P<who>(?:him|her|them|[A-Z][a-z]+) )?to (?P<what>.*)", final.tail)
    if final.kind != "count" or final.verb != "take" or not match or story.says("next time|second time|percent"):
        return None
    shares = shares_of(story.value, 0.1, 0.6, percent=True)
    if not re.fullmatch(r"minutes|hours|days", final.noun) or not shares or (story.whole or 0) < 5:
        return None
    share, noun = story.pick(shares), final.noun
    up = story.draws.below(3) == 0
    part = story.value * share.value
    new = story.value + part if up else story.value - part
    when = story.pick(["The next time", "The second time"])
    word, sign = ("more time", "+") if up else ("less time", "-")
    took = {"past": "took", "future": "will take"}.get(final.tense, "takes")
    did = {"past": "did", "future": "will"}.get(final.tense, "does")
    who, what = match["who"] or "", match["what"]
    return (
        f"{when}, it {took} {who}{share.words} {word} to {what}. How many {noun} {did} it take {who}{when.lower()}?",
        [
            Step(f"The first time, it {took} {story.whole} {noun}, and {share.words} of this is"
                 f" {share.of(story.value)} {noun}."),
            Step(f"So {when.lower()}, it {took} {_sum(story.value, part, sign)} {noun}."),
        ],
        new,
    )  # fmt: skip


def older(story: Story) -> Made | None:
    """Somebody is 20% younger."""
    final = story.final
    if final.kind != "age":
        return None
    shares = [share for share in shares_of(story.value, 0.1, 0.5) if share.percent or share.top == 1]
    if not shares or not 8 <= story.value <= 80:
        return None
    share, up = story.pick(shares), bool(story.draws.below(2))
    name = final.head.removesuffix("'s age")
    kin = [word for word in ("cousin", "neighbor", "friend") if not story.says(word)]
    if not kin:
        return None
    other = f"{name}'s {story.pick(kin)}"
    part = story.value * share.value
    new = story.value + part if up else story.value - part
    steps = [
        Step(f"{capital(share.words)} of {story.whole} years is {share.of(story.value)} years."),
        Step(f"So {other} is {_sum(story.value, part, '+' if up else '-')} years old."),
    ]
    word = "older" if up else "younger"
    return f"{capital(other)} is {share.words} {word} than {name}. How old is {other}?", steps, new


COUNTS: tuple[Rewrite, ...] = (handed_on, compared, raised, goal, taken_away, kinds, time_saved, older)
"""Rewritings for an answer that is no amount of money."""
