"""Conditions on a final number of things, people, hours or years."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import FOOD, GOODS, WORTH
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import (
    Action,
    condition,
    doing,
    outcome,
    rule,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import (
    MEASURE,
    clean,
    crowd,
    fact,
    held,
    relative,
    shares_of,
    there,
)

_EVENTLY = (2, 3, 4, 5, 6, 8, 10, 12)


def _small(story: Story, high: int) -> int:
    """A number of things from 2 up to ``high``, and at most a third of the answer."""
    return 2 + story.draws.below(max(1, min(high, (story.whole or 0) // 3) - 1))


def gives(story: Story) -> Made | None:
    """Gives some away if there are enough."""
    when, other = condition(story, up=True), relative(story)
    if not held(story) or when is None or other is None:
        return None
    person, noun, whole = story.actor, story.final.noun, story.whole or 0
    first, second = _small(story, 12), _small(story, 12)
    share = None
    shares = [share for share in shares_of(story.value, 0.1, 0.5)]
    if shares and story.draws.below(3) == 0:
        share = story.pick(shares)
    if first == second:
        return None
    first, second = max(first, second), min(first, second)
    verb = story.pick(["give", "give", "hand"])
    then = Action(verb, f"{share.words if share else first} of them to {other}")
    with_else = bool(story.draws.below(2))
    less = Action(verb, f"only {second} of them to {other}")
    if share and share.value * whole <= second:
        return None
    sentence = rule(story, when, then, less if with_else else None)
    gone = int(share.value * whole) if share else first
    gone = gone if when.holds else second if with_else else 0
    ask = f"How many {noun} {story.asked(story.pick(['have in the end', 'keep', 'have after that']))}?"
    does = story.verb(verb)
    if not gone:
        nothing = {"past": "did not", "future": "will not"}.get(
            story.final.tense, "do not" if person.plural else "does not"
        )
        text = outcome(story, when.check, False, f"{person.pronoun} {nothing} {verb} any of them to {other}")
        return (
            f"{sentence} {ask}",
            [Step(f"{text} {capital(person.pronoun)} {story.verb('keep')} all {whole} {noun}.")],
            (story.value),
        )
    steps = []
    if share and when.holds:
        steps.append(Step(outcome(story, when.check, True, f"{person.pronoun} {does} {share.words} of them to {other},"
                                  f" which is {share.of(story.value)} {noun}")))  # fmt: skip
    else:
        number = gone if when.holds else f"only {gone}"
        steps.append(
            Step(outcome(story, when.check, when.holds, f"{person.pronoun} {does} {number} of them to {other}"))
        )
    have = story.verb("keep")
    steps.append(Step(f"{capital(person.pronoun)} {have} {calculated(f'{whole}-{gone}')} {noun}."))
    return f"{sentence} {ask}", steps, Fraction(whole - gone)


_GOES_ON = {
    "read", "bake", "make", "pick", "collect", "plant", "write", "wash", "clean", "run", "walk", "swim", "sell", "knit",
    "sew", "paint", "draw", "gather", "harvest", "pack", "deliver", "solve", "catch", "jog", "wrap", "print", "fold",
}  # fmt: skip


def more_of_it(story: Story) -> Made | None:
    """Gets, bakes, reads some more if there are too few."""
    when = condition(story, up=False)
    final = story.final
    buys = held(story) and final.verb in ("have", "buy", "purchase", "get", "own")
    if when is None or not (buys or doing(story)):
        return None
    if not buys and final.verb not in _GOES_ON:
        return None
    person, noun, whole = story.actor, final.noun, story.whole or 0
    verb = "buy" if buys and not re.search(r"point|friend|medal|sticker|trophy", noun) else final.verb
    if buys and (story.says("collects?|found|find|picks?|picked|catch|caught") or " of " in noun):
        return None
    first = _small(story, 20)
    if whole >= 60:
        first = story.pick([5, 10, 15, 20])
    second = _small(story, 6)
    then = Action(verb, f"{first} more")
    with_else = story.draws.below(3) == 0 and second < first
    sentence = rule(story, when, then, Action(verb, f"only {second} more") if with_else else None)
    plus = first if when.holds else second if with_else else 0
    ending = "have" if buys else final.verb
    ask = f"How many {noun} {story.asked(ending)} {story.pick(['in the end', 'in all', 'altogether'])}?"
    if not plus:
        nothing = {"past": "did not", "future": "will not"}.get(
            story.final.tense, "do not" if person.plural else "does not"
        )
        text = outcome(story, when.check, False, f"{person.pronoun} {nothing} {verb} any more")
        return (
            f"{sentence} {ask}",
            [Step(f"{text} In all, {person.pronoun} {story.verb(ending)} {whole} {noun}.")],
            (story.value),
        )
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, when.holds, f"{person.pronoun} {story.verb(verb)} {plus} more")),
            Step(f"In all, {person.pronoun} {story.verb(ending)} {calculated(f'{whole}+{plus}')} {noun}."),
        ],
        Fraction(whole + plus),
    )


def parity(story: Story) -> Made | None:
    """Gives half away if the number is even."""
    other = relative(story)
    if not held(story) or other is None or (story.whole or 0) < 8:
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
    if not held(story) or " of " in noun or story.says("bags?|packs?|boxes|box|baskets?|dozens?|piles?"):
        return None
    pairs = [(a, b) for a in _EVENTLY for b in _EVENTLY if a != b and a > 2 < b and whole // max(a, b) >= 2]
    holding = [(a, b) for a, b in pairs if whole % a == 0]
    failing = [(a, b) for a, b in pairs if whole % a and whole % b == 0]
    options = holding if (story.draws.below(2) or not failing) else failing
    if not options:
        return None
    a, b = story.pick(options)
    person = story.actor
    box = story.pick(["piles", "groups", "bags"])
    if box == "bags" and re.search(r"cars|bikes|dogs|cats|chickens|puppies|kittens|animals|horses|cows|tables", noun):
        box = "groups"
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


def sells(story: Story) -> Made | None:
    """A buyer pays another price for each if there are many."""
    noun, when, prices = story.final.noun, condition(story, up=True), worth(story.final.noun)
    if not held(story) or when is None or not prices or "$" in story.text or story.says("sells?|sold|price|cost"):
        return None
    low = story.pick(prices)
    high = low + story.pick([1, 2]) if low < 20 else low + low // 10
    person, past = story.actor, story.final.tense == "past"
    buyer, who = story.pick([("a shop", "that"), ("a trader", "who"), ("a store", "that"), ("a collector", "who")])
    if story.says(buyer.removeprefix("a ")) or (who == "who" and noun.split()[-1] in ("cookies", "cupcakes", "eggs")):
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
    if not needs or not wanted or when is None or "$" in story.text or story.says("price|cost|costs"):
        return None
    if prices is None and (MEASURE.search(noun) or re.search(r"\b(?:points|pages|votes|signatures)\b", noun)):
        return None
    low = story.pick(prices or (2, 3, 4, 5))
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


def moved(story: Story) -> Made | None:
    """Some go if there are too many, or some come if there are too few."""
    final = story.final
    when = condition(story)
    if not there(story) or when is None or final.tense == "future":
        return None
    noun, whole, past = final.noun, story.whole or 0, final.tense == "past"
    people = crowd(story)
    known = worth(noun) or FOOD.get(noun.split()[-1]) or GOODS.get(noun.split()[-1])
    place = re.match(r"(?:in|on|at|inside) .*", final.tail)
    if not (people or known) or (people and story.says("died|born")):
        return None
    first, second = _small(story, 12), _small(story, 12)
    large = when.words in ("more than", "at least")
    be = "were" if past else "are"
    if people:
        minus, plus = f"{first} of them {'left' if past else 'leave'}", f"{second} more {'came' if past else 'come'}"
    elif story.says("shop|store|sold|sells?|bakery"):
        minus, plus = f"{first} of them {be} sold", f"{second} more {be} ordered"
        plus = f"{second} more {be} added"
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
