"""Conditions on a final number of things, people, hours or years."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import FOOD, GOODS, WORTH
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import (
    Action,
    at_hand,
    condition,
    doing,
    negative,
    outcome,
    rule,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import (
    MEASURE,
    clean,
    crowd,
    fact,
    relative,
    shares_of,
    there,
)

_SIZES = (3, 4, 5, 6, 8, 10, 12)
_COUNTED_OUT = r"packs?|packages?|packets?|boxes|box|bags?|cartons?|sets?|dozens?|shops?|stores"
"""Words of stories in which things are bought by the pack, or in more than one shop."""


def _small(story: Story, high: int) -> int:
    """A number of things from 2 up to ``high``, and at most a third of the answer."""
    return 2 + story.draws.below(max(1, min(high, (story.whole or 0) // 3) - 1))


def gives(story: Story) -> Made | None:
    """Gives some away if there are enough."""
    when, other = condition(story, up=True), relative(story)
    if not at_hand(story) or when is None or other is None:
        return None
    person, noun, whole = story.actor, story.final.noun, story.whole or 0
    first = _small(story, 12)
    less = first // 2 if first >= 4 and story.draws.below(2) else 0
    shares = shares_of(story.value, 0.1, 0.5)
    share = story.pick(shares) if shares and story.draws.below(3) == 0 else None
    if share and share.value * whole <= less:
        return None
    verb = story.pick(["give", "give", "hand"])
    then = Action(verb, f"{share.words if share else first} of them to {other}")
    sentence = rule(story, when, then, Action(verb, f"{less} of them to {other}") if less else None)
    gone = (int(share.value * whole) if share else first) if when.holds else less
    ask = f"How many {noun} {story.asked(story.pick(['have after that', 'keep']))}?"
    if not gone:
        text = outcome(story, when.check, False, f"{person.pronoun} {negative(story)} {verb} any of them to {other}")
        keeps = f"{capital(person.pronoun)} {story.verb('keep')} all {whole} {noun}."
        return f"{sentence} {ask}", [Step(f"{text} {keeps}")], story.value
    what = f"{gone} of them to {other}"
    if share and when.holds:
        what = f"{share.words} of them to {other}, which is {share.of(story.value)} {noun}"
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, when.holds, f"{person.pronoun} {story.verb(verb)} {what}")),
            Step(f"{capital(person.pronoun)} {story.verb('keep')} {calculated(f'{whole}-{gone}')} {noun}."),
        ],
        Fraction(whole - gone),
    )


_GOES_ON = {
    "read", "bake", "make", "pick", "collect", "write", "wash", "knit", "sew", "paint", "draw", "gather",
    "harvest", "pack", "solve", "catch", "wrap", "fold",
}  # fmt: skip
_IN_TIME = re.compile(
    r"\b(?:years?|weeks?|months?|days?|hours?|minutes|yesterday|today|night|last|during|over|weekend|[A-Z]\w+day)\b"
)
"""Words for a time that is over: what is done in it cannot go on."""


def more_of_it(story: Story) -> Made | None:
    """Gets, bakes, reads some more if there are too few."""
    when = condition(story, up=False)
    final = story.final
    buys = at_hand(story) and final.verb in ("have", "buy", "purchase", "get", "own")
    goes_on = (
        doing(story)
        and final.verb in _GOES_ON
        and not _IN_TIME.search(final.tail)
        and "$" not in story.text
        and not MEASURE.search(final.noun)
    )
    if when is None or not (buys or goes_on):
        return None
    noun, whole = final.noun, story.whole or 0
    if buys and (story.says("collects?|found|find|picks?|picked|catch|caught|friend|won|wins?") or " of " in noun):
        return None
    verb = "buy" if buys else final.verb
    first = story.pick([5, 10, 15, 20]) if whole >= 60 else _small(story, 20)
    less = first // 2 if buys and first >= 4 and story.draws.below(3) == 0 else 0
    sentence = rule(story, when, Action(verb, f"{first} more"), Action(verb, f"{less} more") if less else None)
    plus = first if when.holds else less
    ending = "have" if buys else final.verb
    ask = f"How many {noun} {story.asked(ending)} {'after that' if buys else 'in all'}?"
    who = story.actor.pronoun
    if not plus:
        text = outcome(story, when.check, False, f"{who} {negative(story)} {verb} any more")
        total = f"{text} In all, {who} {story.verb(ending)} {whole} {noun}."
        return f"{sentence} {ask}", [Step(total)], story.value
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, when.holds, f"{who} {story.verb(verb)} {plus} more")),
            Step(f"In all, {who} {story.verb(ending)} {calculated(f'{whole}+{plus}')} {noun}."),
        ],
        Fraction(whole + plus),
    )


def parity(story: Story) -> Made | None:
    """Gives half away if the number is even."""
    other = relative(story)
    if not at_hand(story) or other is None or (story.whole or 0) < 8:
        return None
    person, noun, whole = story.actor, story.final.noun, story.whole or 0
    even = whole % 2 == 0
    number = f"the number of {story.phrase.removeprefix('the ')}"
    was = "was" if story.final.tense == "past" else "is"
    few = _small(story, 9)
    asks_even = even if story.draws.below(3) else not even
    if asks_even:
        clause, then, otherwise = f"{number} {was} even", "half of them", f"{few} of them"
    else:
        clause, then, otherwise = f"{number} {was} odd", f"{few} of them", "half of them"
    verb = "give"
    sentence = rule(story, clause, Action(verb, f"{then} to {other}"), Action(verb, f"{otherwise} to {other}"))
    gone = whole // 2 if even else few
    check = f"{whole} is an {'even' if even else 'odd'} number"
    does = story.verb(verb)
    what = (
        f"half of them to {other}, which is {calculated(f'{whole}/2')} {noun}" if even else f"{few} of them to {other}"
    )
    return (
        f"{sentence} How many {noun} {story.asked('keep')}?",
        [
            Step(f"Since {check}, {person.pronoun} {does} {what}."),
            Step(f"{capital(person.pronoun)} {story.verb('keep')} {calculated(f'{whole}-{gone}')} {noun}."),
        ],
        Fraction(whole - gone),
    )


def packs(story: Story) -> Made | None:
    """Uses bags of 6 if the things fit into them exactly, and bags of 5 otherwise."""
    noun, whole = story.final.noun, story.whole or 0
    if not at_hand(story) or " of " in noun or story.says("bags?|packs?|boxes|box|baskets?|dozens?|piles?|groups?"):
        return None
    pairs = [(a, b) for a in _SIZES for b in _SIZES if a != b and whole // max(a, b) >= 2 and whole // min(a, b) <= 60]
    holding = [(a, b) for a, b in pairs if whole % a == 0]
    failing = [(a, b) for a, b in pairs if whole % a and whole % b == 0]
    options = holding if (story.draws.below(2) or not failing) else failing
    if not options:
        return None
    a, b = story.pick(options)
    person = story.actor
    word = noun.split()[-1]
    small = word in FOOD or word in GOODS or word in ("toys", "dolls", "cards", "stickers", "stamps")
    box = story.pick(["groups", "bags"]) if small else "groups"
    exact = whole % a == 0
    size = a if exact else b
    can = "could" if story.final.tense == "past" else "can"
    clause = f"{story.phrase} {can} be divided into {box} of {a} with none left over"
    sentence = rule(story, clause, Action("make", f"{box} of {a}"), Action("make", f"{box} of {b}"))
    check = f"{whole} {'can' if exact else 'cannot'} be divided by {a} without a remainder"
    return (
        f"{sentence} How many {box} {story.asked('make')}?",
        [
            Step(outcome(story, check, exact, f"{person.pronoun} {story.verb('make')} {box} of {size}")),
            Step(f"{capital(person.pronoun)} {story.verb('make')} {calculated(f'{whole}/{size}')} {box}."),
        ],
        Fraction(whole, size),
    )


def worth(noun: str) -> tuple | None:
    if " of " in noun:
        return None
    words = noun.lower().split()
    return WORTH.get(" ".join(words[-2:])) or WORTH.get(words[-1])


_NO_TRADE = r"sells?|sold|price|cost|dimes?|quarters?|nickels?|penn(?:y|ies)|cents|fountain|convert\w*|decks?|poker"


def sells(story: Story) -> Made | None:
    """A buyer pays another price for each if there are many."""
    noun, when, prices = story.final.noun, condition(story, up=True), worth(story.final.noun)
    if not at_hand(story) or when is None or not prices or "$" in story.text or story.says(_NO_TRADE):
        return None
    low = story.pick(prices)
    high = low + story.pick([1, 2]) if low < 20 else low + low // 10
    person, past = story.actor, story.final.tense == "past"
    buyer, who = story.pick([("a shop", "that"), ("a store", "that"), ("a trader", "who")])
    if story.says(f"shops?|stores?|{buyer.removeprefix('a ')}") or (who == "who" and noun.split()[-1] in FOOD):
        return None
    rate = high if when.holds else low
    return (
        f"{capital(person.pronoun)} {story.verb('sell')} all of {story.phrase} to {buyer} {who}"
        f" {'paid' if past else 'pays'} ${high} for each if there {'were' if past else 'are'} {when.quantity} of them,"
        f" and ${low} for each otherwise. How much money {story.asked('get')} for them?",
        [
            Step(outcome(story, when.check, when.holds, f"the price {'was' if past else 'is'} ${rate} for each")),
            Step(f"{capital(person.pronoun)} {story.verb('get')} {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


def buys(story: Story) -> Made | None:
    """A store takes a lower price for each if there are many."""
    final = story.final
    noun, when, prices = final.noun, condition(story, up=True), worth(final.noun)
    needs = final.kind == "count" and story.person and clean(story) and (story.whole or 0) >= 5
    wanted = final.verb in ("buy", "purchase", "order") or (
        final.needed and final.verb in ("need", "buy", "have", "use", "get")
    )
    if (
        not needs
        or not wanted
        or when is None
        or story.actor.plural
        or "$" in story.text
        or story.says(f"price|cost|costs|{_COUNTED_OUT}")
    ):
        return None
    if prices is None:
        return None
    low = story.pick(prices)
    high = low + story.pick([1, 2]) if low < 20 else low + low // 10
    rate = low if when.holds else high
    past = final.tense == "past"
    was, person = "was" if past else "is", story.actor
    return (
        f"The price of the {noun} {was} ${low} each for a customer who {'bought' if past else 'buys'} {when.quantity}"
        f" of them, and ${high} each otherwise. How much {story.asked('pay')} for {story.phrase}?",
        [
            Step(outcome(story, when.check, when.holds, f"the price {was} ${rate} each")),
            Step(f"{capital(person.pronoun)} {story.verb('pay')} {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


_WILD = r"including|left for|trees?|gardens?|forest|lake|pond|fields?|desert|nests?|hives?|beach"
"""Words of stories in which nobody adds things or takes them away."""


def moved(story: Story) -> Made | None:
    """Some go if there are too many, or some come if there are too few."""
    final = story.final
    when = condition(story)
    if not there(story) or when is None or final.tense == "future":
        return None
    noun, whole, past = final.noun, story.whole or 0, final.tense == "past"
    people = crowd(story)
    known = worth(noun) or FOOD.get(noun.split()[-1]) or GOODS.get(noun.split()[-1])
    place = re.search(r"\b(?:in|on|at|inside) .*", final.tail)
    if not (people or known) or (people and story.says("died|born")) or whole > 500 or story.says(_WILD):
        return None
    first, second = _small(story, 12), _small(story, 12)
    large = when.words in ("more than", "at least")
    be = "were" if past else "are"
    if people:
        minus, plus = f"{first} of them {'left' if past else 'leave'}", f"{second} more {'joined' if past else 'join'}"
    else:
        minus, plus = f"{first} of them {be} taken away", f"{second} more {be} added"
    then, other = (minus, plus) if large else (plus, minus)
    with_else = bool(story.draws.below(2))
    clause = fact(story, when.quantity)
    sentence = f"If {clause}, {then}."
    if with_else:
        sentence = f"If {clause}, {then}. Otherwise, {other}."
    change = (-first if large else second) if when.holds else ((second if large else -first) if with_else else 0)
    where = f" {place[0]}" if place else ""
    ask = f"How many {noun} {be} there{where} {story.pick(['then', 'after that', 'in the end'])}?"
    if not change:
        text = outcome(story, when.check, False, f"nothing {'changed' if past else 'changes'}")
        return f"{sentence} {ask}", [Step(f"{text} There {be} still {whole} {noun}.")], story.value
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, when.holds, then if when.holds else other)),
            Step(f"Then there {be} {calculated(f'{whole}{change:+d}')} {noun}."),
        ],
        Fraction(whole + change),
    )


COUNTS: tuple[Rewrite, ...] = (
    gives, more_of_it, parity, packs, sells, buys, moved,
)  # fmt: skip
"""Conditions on an answer that is no amount of money."""
