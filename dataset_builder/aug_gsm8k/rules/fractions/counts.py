"""Shares of a final number of things: given away, compared, raised, colored, or set against a goal."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, calculated, capital, names
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import (
    COLOR_WORDS,
    COLORED,
    FEED,
    FLAT,
    FOOD,
    GOODS,
    WORTH,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import (
    WORK_VERBS,
    clean,
    counted,
    crowd,
    held,
    relative,
    shares_of,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import number_text

_SIMPLE_TAIL = re.compile(
    r"^(?:now|this week|last week|that week|today|yesterday|that day|this month|this year|on [A-Z][a-z]+day|"
    r"(?:in|for|over|during) (?:the )?(?:\d+|two|three|four|five|six) (?:days|weeks|months|hours|years|minutes)|"
    r"in (?:a|one) (?:day|week|month|year|hour)|"
    r"(?:a|per) (?:day|week|month|year))?$"
)


_LARGE = "tables|jackets|trees|laptops|bricks|tickets|cows|sheep|bikes|bicycles|quilts|paintings|fish"
_SHARED_VERBS = {
    "have", "buy", "make", "bake", "collect", "own", "pick", "catch", "find", "gather", "harvest", "grow", "knit",
    "read", "run", "walk", "jog", "bike", "swim", "hike", "plant", "sell",
}  # fmt: skip
"""What a relative may do as well, more or less often."""
_GONE = {"eat", "catch", "drink", "need", "bring", "lose", "throw", "break", "use"}
"""Verbs after which nobody looks at the things."""
_PRIVATE = "calories|cents|slices|friends|votes|minutes|hours|days|weeks|months|years|points|people|sections|pairs|pets"


def _sum(first: Fraction, second: Fraction, sign: str) -> str:
    return calculated(f"{number_text(first)}{sign}{number_text(second)}")


def _given_away(story: Story) -> bool:
    """Whether the things are small ones that a person may give away, and are meant for nobody else."""
    word = story.final.noun.split()[-1]
    small = (word in WORTH or word in FOOD or word in GOODS or re.fullmatch(FLAT, word)) and word not in FEED
    others = r"for (?:his|her|their) (?!birthday)\w+|guests?|customers?|orders?|party|needs?|needed"
    return bool(small) and not story.actor.plural and not story.says(f"{_LARGE}|{others}")


def handed_on(story: Story) -> Made | None:
    """Gives a share to somebody; how many are left?"""
    other = relative(story)
    shares = shares_of(story.value, 0.05, 0.6)
    if not held(story) or story.final.verb == "keep" or not other or not shares or not _given_away(story):
        return None
    share, person, noun, phrase = story.pick(shares), story.actor, story.final.noun, story.phrase
    part = story.value * share.value
    rest = story.value - part
    if 1 in (part, rest):
        return None
    gives = f"of {phrase}, {person.pronoun} {story.verb('give')} {share.words} to {other}"
    second = story.draws.below(3) == 0
    first_step = Step(f"{capital(person.pronoun)} {story.verb('give')} {share.of(story.value)} {noun} to {other}.")
    keeps = Step(f"{capital(person.pronoun)} {story.verb('keep')} {_sum(story.value, part, '-')} {noun}.")
    if second:
        more = shares_of(rest, 0.1, 0.6)
        others = [word for word in ("aunt", "uncle") if not story.says(word)]
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
    if final.verb not in _SHARED_VERBS or re.search(rf"\b(?:{_PRIVATE})\b", final.noun):
        return None
    if re.match(r"(?:can|could|should|would|still|initially|originally) ", final.rest) or (story.whole or 0) < 5:
        return None
    if not _SIMPLE_TAIL.match(final.tail) or story.says(r"siblings|together") or story.actor.plural:
        return None
    shares = shares_of(story.value, 0.1, 0.6, percent=True)
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
    if len(names(f"{final.body} {person.name}")) == 1 and story.draws.below(2):
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
    """Whether the answer is what known persons achieve."""
    final, person = story.final, story.person
    free = not re.match(r"(?:can|could|should|would|still|initially|originally) ", final.rest)
    known = person and (person.pronoun in ("he", "she") or " and " in person.name)
    return bool(
        final.kind == "count" and known and "dollars" not in final.noun and final.verb in WORK_VERBS
        and free and not final.needed
        and clean(story) and (story.whole or 0) >= 5
        and not re.search(r"\b(?:left|still|so far|before|originally|first|more)\b", final.tail)
    )  # fmt: skip


def raised(story: Story) -> Made | None:
    """Wants 20% more the next time."""
    final = story.final
    if not _works(story) or story.says("goal|next|each|every|all|rest|entire|whole") or final.tail not in ("", "today"):
        return None
    if final.verb not in _SHARED_VERBS | {"score", "solve", "wash", "deliver"} or final.noun in ("beats", "pages"):
        return None
    shares = shares_of(story.value, 0.05, 0.5, percent=True)
    if not shares:
        return None
    share, person, past = story.pick(shares), story.actor, final.tense == "past"
    part, when = story.value * share.value, "the next day" if final.tail else "the next time"
    want = "wanted" if past else "want" if person.plural else "wants"
    helper = "did" if past else "do" if person.plural else "does"
    verb, noun = final.verb, final.noun
    return (
        f"{capital(person.pronoun)} {want} to {verb} {share.words} more {noun} {when}. How many {noun} {helper}"
        f" {person.pronoun} want to {verb} then?",
        [
            Step(f"{capital(share.words)} of {story.whole} is {share.of(story.value)}."),
            Step(f"So {person.pronoun} {want} to {verb} {_sum(story.value, part, '+')} {noun} {when}."),
        ],
        story.value + part,
    )


def goal(story: Story) -> Made | None:
    """The percentage of a goal that is reached."""
    final = story.final
    set_before = r"goals?|target|percent|left|rest|remain\w*|all|entire|whole|finish\w*|had to|has to|more than"
    if not _works(story) or story.says(set_before) or final.verb == "find" or final.noun == "beats":
        return None
    goals = [
        (share, story.value / share.value)
        for share in shares_of(Fraction(0), 0.5, 0.9, percent=True)
        if (story.value / share.value).denominator == 1
    ]
    if not goals:
        return None
    person, (share, whole) = story.actor, story.pick(goals)
    was = "was" if final.tense == "past" else "is"
    reach = {"past": "did", "future": "will"}.get(final.tense, "do" if person.plural else "does")
    tail = f" {final.tail}" if final.tail else ""
    return (
        f"{capital(person.possessive)} goal {was} to {final.verb} {whole} {final.noun}{tail}. What percentage of the"
        f" goal {reach} {person.pronoun} reach?",
        [
            Step(f"{capital(person.pronoun)} {story.verb('reach')} {story.whole}/{whole} of the goal, which is"
                 f" {calculated(f'{story.whole}/{whole}*100')}%."),
        ],
        share.value * 100,
    )  # fmt: skip


_FEATURES = {
    "stickers": ("are", "shiny", "shin"), "stamps": ("are", "from other countries", "countr|foreign"),
    "cookies|brownies|muffins|cakes|donuts|doughnuts|pastries": ("contain", "nuts", "nut|raisin|pecan|almond"),
    "apples|oranges|pears|peaches|tomatoes|potatoes|lemons|mangoes|strawberries|fruits?|plums": (
        "are", "bruised", "bruis|rott|ripe|bad|fresh",
    ),
    "cards|coins|comics|comic books|dolls|magazines|records|figures|dvds|cds": (
        "are", "in perfect condition", "condition|new|damage|brok|quality|rare|old",
    ),
    "books": ("have", "hard covers", "cover|comic|color|pages"),
    "turtles|goats|sheep|rabbits|birds|animals|pigs|puppies|kittens|ducks": (
        "are", "female", "female|male|hen|mother|pregnant|bab|boy|girl|rooster|lay",
    ),
    "toys": ("need", "batteries", "batter|stuffed|wood|bear|doll"), "candles": ("are", "scented", "scent"),
    "plants|bushes": ("have", "flowers", "flower|bloom"), "songs": ("are", "in Spanish", "spanish|language"),
    "movies": ("are", "comedies", "comed|horror|action"), "seashells|shells|plates": ("are", "broken", "brok|crack"),
    "houses": ("have", "gardens", "garden"), "eggs": ("are", "brown", "brown|white|paint|chocolate|easter"),
}  # fmt: skip
"""Things, what is true of some of them, and starts of words that do not fit it."""


def features(story: Story) -> Made | None:
    """A share of the things has a color or another feature, or a share of the people wears glasses."""
    final = story.final
    plain = counted(story) and not final.needed and final.tense != "future" and " of " not in final.noun
    if not plain or final.verb in _GONE or re.match(r"(?:can|could|should|would) ", final.rest):
        return None
    shares, word = shares_of(story.value, 0.1, 0.6), final.noun.split()[-1]
    if crowd(story):
        options = [("wear", "glasses", "glasses|blind|eye")]
    else:
        options = [entry for words, entry in _FEATURES.items() if re.fullmatch(words, word)]
        options += [("are", color, f"{COLOR_WORDS}|color") for color in COLORED.get(word, ())]
    options = [entry for entry in options if not re.search(rf"\b(?:{entry[2]})", story.text)]
    if not shares or not options:
        return None
    share, (verb, what, _), past = story.pick(shares), story.pick(options), final.tense == "past"
    if word in ("people", "students", "children", "kids") and share.value > Fraction(1, 2):
        return None
    has = {"are": "were", "have": "had", "wear": "wore"}.get(verb, f"{verb}ed") if past else verb
    if story.phrase.endswith(f" {has}"):
        return None
    no = f"{has} not" if verb == "are" else f"{'did' if past else 'do'} not {verb}"
    part = story.value * share.value
    return (
        f"{capital(share.words)} of {story.phrase} {has} {what}. How many of them {no} {what}?",
        [
            Step(f"{share.of(story.value)} of the {final.noun} {has} {what}."),
            Step(f"{_sum(story.value, part, '-')} of them {no} {what}."),
        ],
        story.value - part,
    )


def older(story: Story) -> Made | None:
    """Somebody is 20% older."""
    final = story.final
    if final.kind != "age":
        return None
    shares = shares_of(story.value, 0.1, 0.5, percent=True)
    if not shares or not 8 <= story.value <= 50:
        return None
    share, name = story.pick(shares), final.head.removesuffix("'s age")
    kin = [word for word in ("cousin", "neighbor") if not story.says(word)]
    if not kin:
        return None
    other = f"{name}'s {story.pick(kin)}"
    part = story.value * share.value
    steps = [
        Step(f"{capital(share.words)} of {story.whole} years is {share.of(story.value)} years."),
        Step(f"So {other} is {_sum(story.value, part, '+')} years old."),
    ]
    return f"{capital(other)} is {share.words} older than {name}. How old is {other}?", steps, story.value + part


COUNTS: tuple[Rewrite, ...] = (handed_on, compared, raised, goal, features, older)
"""Rewritings for an answer that is no amount of money."""
