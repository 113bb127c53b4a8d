"""Conditions on a number of things, people, hours or miles (group sizes, wages, contests, tickets), or on a price."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, amount, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import FLAT, FOOD, GOODS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import condition, lasting, outcome
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.money import spent
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import HELD_VERBS, clean, counted, fact

_SIZES = (3, 4, 5, 6, 8, 10, 12, 15, 20)
_CLASS = re.compile(r"\b(?:students|children|kids|girls|boys|players|campers|dancers|members|scouts|friends|soldiers)$")
"""People who stand in rows, make teams and go to a museum together."""
_SCATTERED = r"absent|died|sick|home|online|different|towns?|city|cities|world|survey\w*|list|famil\w+"
"""Words of stories in which people are not in one place."""
_DONE = {
    "miles": "run walk bike ride swim jog hike cycle", "kilometers": "run walk bike ride swim jog hike cycle",
    "laps": "run walk swim bike", "pages": "read", "books": "read", "problems": "solve do", "trees": "plant",
    "pushups": "do", "push-ups": "do", "pull-ups": "do", "sit-ups": "do", "stairs": "climb",
}  # fmt: skip
"""What is counted for a contest or a charity run -> the verbs for it."""


def _sizes(story: Story, holds: bool) -> tuple[int, int] | None:
    """(size if the condition holds, size if it does not), where the size that counts divides the answer."""
    whole = story.whole or 0
    fits = [n for n in _SIZES if whole % n == 0 and 2 <= whole // n <= 60]
    if not fits:
        return None
    right = story.pick(fits)
    wrong = story.pick([n for n in _SIZES if n != right and (n <= whole // 2 or n < right) and n <= 3 * right] or [2])
    return (right, wrong) if holds else (wrong, right)


def grouped(story: Story) -> Made | None:
    """Rows, teams or boxes of one size if there are many, and of another size otherwise."""
    final = story.final
    when = condition(story)
    people = bool(_CLASS.search(final.noun))
    word = final.noun.split()[-1]
    known = " of " not in final.noun and (word in FOOD or word in GOODS or re.search(rf"\b(?:{FLAT})$", final.noun))
    if not counted(story) or when is None or not (people or known) or final.needed:
        return None
    if story.says(_SCATTERED) if people else not (lasting(story) and final.verb in HELD_VERBS | {"be"}):
        return None
    sizes = _sizes(story, when.holds)
    if sizes is None or story.says("rows?|teams?|groups?|boxes|box|bags?|packs?|pairs?|tables?"):
        return None
    first, second = sizes
    past = final.tense == "past"
    if people:
        unit, verb = story.pick([("teams", "were divided into" if past else "are divided into"),
                                 ("rows", "stood in" if past else "stand in"),
                                 ("groups", "were divided into" if past else "are divided into")])  # fmt: skip
    else:
        unit, verb = story.pick([("boxes", "were packed into" if past else "are packed into"),
                                 ("bags", "were put into" if past else "are put into")])  # fmt: skip
    size = first if when.holds else second
    of = f"{unit} of {size}"
    are = "were" if past else "are"
    return (
        f"If {fact(story, when.quantity)}, these {final.noun} {verb} {unit} of {first}. Otherwise, they {verb}"
        f" {unit} of {second}. How many {unit} {are} there?",
        [
            Step(outcome(story, when.check, when.holds, f"these {final.noun} {verb} {of}")),
            Step(f"There {are} {calculated(f'{story.whole}/{size}')} {unit}."),
        ],
        Fraction(story.whole or 0, size),
    )


def wage(story: Story) -> Made | None:
    """The wage depends on the number of hours."""
    final = story.final
    when = condition(story, up=True)
    if final.kind != "count" or final.noun != "hours" or final.verb != "work" or when is None or final.needed:
        return None
    if not story.person or "$" in story.text or not clean(story) or (story.whole or 0) < 5 or story.says("homework"):
        return None
    low = 9 + story.draws.below(10)
    high = low + 1 + story.draws.below(4)
    rate = high if when.holds else low
    person = story.actor
    return (
        f"{capital(person.pronoun)} {story.verb('earn')} ${high} an hour if {fact(story, when.quantity)}, and ${low} an"
        f" hour otherwise. How much money {story.asked('earn')}?",
        [
            Step(outcome(story, when.check, when.holds, f"{person.pronoun} {story.verb('earn')} ${rate} an hour")),
            Step(f"{capital(person.pronoun)} {story.verb('earn')} {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


_ONE_DAY = r"\b(?:on|tonight|today|tomorrow|yesterday|last|this|that|day|week)\b"


def exercise(story: Story) -> bool:
    """Whether a person does something that a contest or a sponsor may count, such as reading pages."""
    final = story.final
    fits = final.kind == "count" and final.verb in _DONE.get(final.noun, "").split()
    # "For each page" would be unclear if the answer counts only the pages of one day.
    part = re.match(r"(?:can|could|should|would) ", final.rest) or re.search(_ONE_DAY, final.tail)
    return bool(fits and story.person and not part and not final.needed and clean(story) and (story.whole or 0) >= 4)


_TRIP = r"\$|tickets?|price|cost|costs|zoo|museum|aquarium|trip|movie|camp|island"


def donation(story: Story) -> Made | None:
    """A sponsor pays for each mile or page, and more if there are many."""
    final = story.final
    when = condition(story, up=True)
    if when is None or not exercise(story) or "$" in story.text:
        return None
    low = 1 + story.draws.below(3)
    high = low + 1 + story.draws.below(2)
    rate = high if when.holds else low
    past = final.tense == "past"
    one = final.noun[:-1]
    who = story.pick(["A sponsor", "A local company", "A bakery"])
    if story.says(who.lower().split()[-1]):
        return None
    gives = "promised to donate" if past else "will donate" if final.tense == "future" else "donates"
    gave = "donated" if past else "will donate" if final.tense == "future" else "donates"
    return (
        f"{who} {gives} ${high} to charity for every {one} if {fact(story, when.quantity)}, and ${low} for every {one}"
        f" otherwise. How much money {story.asked('donate', who[0].lower() + who[1:]).replace('a ', 'the ', 1)}?",
        [
            Step(
                outcome(
                    story, when.check, when.holds, f"the donation {'was' if past else 'is'} ${rate} for every {one}"
                )
            ),
            Step(f"{who.replace('A ', 'The ')} {gave} {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


_MEAL = r"food|meals?|dinner|lunch|guests|party|serve|snacks?|pizzas?|cakes?|fruits?|shopping"
"""Words of purchases that nobody pays by the month."""


def payments(story: Story) -> Made | None:
    """The number of monthly payments depends on the amount."""
    when = condition(story, up=True)
    if not spent(story) or when is None or story.value < 100 or story.final.tense == "past":
        return None
    if story.value > 20_000 or story.says(_MEAL):
        return None
    if story.says(r"months?|monthly|rent|payments?|tips?|restaurant|tickets?|per month|fine|groceries|years?|weeks?"):
        return None
    pairs = [
        (many, few)
        for many in (4, 5, 6, 8, 10, 12)
        for few in (2, 3, 4)
        if few < many and (story.value / (many if when.holds else few)).denominator == 1
    ]
    if not pairs:
        return None
    many, few = story.pick(pairs)
    parts = many if when.holds else few
    return (
        f"If the total is {when.quantity}, it is paid in {many} equal monthly payments. Otherwise, it is paid in {few}"
        " equal monthly payments. How much is each payment?",
        [
            Step(outcome(story, when.check, when.holds, f"there are {parts} equal payments")),
            Step(f"Each payment is {calculated(f'{amount(story.value)}/{parts}', True)}."),
        ],
        story.value / parts,
    )


def contest(story: Story) -> Made | None:
    """Points for each mile or page, more of them if there are many."""
    when, final = condition(story, up=True), story.final
    if when is None or not exercise(story) or story.says(r"points?|contest|score\w*|games?"):
        return None
    low = 1 + story.draws.below(3)
    high = low + 1 + story.draws.below(2)
    who, one = story.actor.pronoun, final.noun[:-1]
    lower = f"{low} point{'s' if low > 1 else ''}"
    rate = high if when.holds else low
    shown = f"{high} points" if when.holds else lower
    return (
        f"In a contest, {who} {story.verb('get')} {high} points for each {one} if {fact(story, when.quantity)}, and"
        f" {lower} for each {one} otherwise. How many points {story.asked('get')}?",
        [
            Step(outcome(story, when.check, when.holds, f"{who} {story.verb('get')} {shown} for each {one}")),
            Step(f"{capital(who)} {story.verb('get')} {calculated(f'{story.whole}*{rate}')} points."),
        ],
        Fraction((story.whole or 0) * rate),
    )


def tickets(story: Story) -> Made | None:
    """A group pays a lower price for each person."""
    noun, when, phrase = story.final.noun, condition(story, up=True), story.phrase
    if not counted(story) or not _CLASS.search(noun) or when is None or story.final.needed:
        return None
    if re.search(r"\bwho\b|\bnot\b", phrase) or (story.whole or 0) > 150 or story.says(f"{_SCATTERED}|{_TRIP}"):
        return None
    past = story.final.tense == "past"
    low = story.pick([5, 6, 8, 10])
    high = low + story.pick([1, 2, 3])
    place = story.pick(["a museum", "a zoo", "a science show", "an aquarium"])
    cost, go = ("cost", "went") if past else ("costs", "go")
    rate = low if when.holds else high
    return (
        f"All of {phrase} {go} to {place}, where a ticket {cost} ${low} in a group of {when.quantity} people, and"
        f" ${high} otherwise. How much {'did' if past else 'do'} their tickets cost?",
        [
            Step(outcome(story, when.check, when.holds, f"a ticket {cost} ${rate}")),
            Step(f"The tickets cost {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


GROUPS: tuple[Rewrite, ...] = (grouped, wage, donation, contest, tickets)
"""Conditions on an answer that is no amount of money; ``payments`` is one on a price."""
