"""Read the last question of a problem: what it asks for, who acts, and in which tense."""

from __future__ import annotations

import re
from dataclasses import dataclass

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.verbs import (
    BASES,
    PAST_AUX,
    REGULAR,
    auxiliary,
    conjugated,
    in_past,
    past,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.names import BOYS, GIRLS

_NO_VERBS = """
    want be owe weigh end start begin average put does allow and now still already cost take seem remain differ
    lack miss go come leave stay live try plan expect currently originally actually usually also never profit feel know
    choose break hide hear wear tear meet lend steal ring lie up measure grow sleep charge lost sold spent saved
    made earned given split divide gain turn look only
"""
NO_VERBS = frozenset(_NO_VERBS.split())
"""Verbs of the last question that do not fit: states, irregular verbs without an entry, and words that are no verbs."""

_TOTAL = r"(?:in total|altogether|all together|in all|total|combined|together|collectively)"
_NOUN = r"[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]*){0,3}"
_ASKED = re.compile(
    rf"^(?:So, |Then, |Altogether, |In total, )?[Hh]ow (?:(?P<many>many)(?: total)? (?P<noun>{_NOUN}?)(?: {_TOTAL})?|"
    rf"(?P<much>much)(?: total)?(?: money)?(?: {_TOTAL})?(?:,? in (?:dollars|total),?)?) "
    r"(?P<aux>did|does|will|has) (?P<who>[A-Z][a-z]+|he|she) "
    r"(?P<still>now |still |currently )?(?P<verb>[a-z]+)"
    rf"(?:,? {_TOTAL})?(?P<rest>(?: [A-Za-z0-9$'-]+){{0,9}}?)(?:,? {_TOTAL})?(?:,? in dollars)?\?$"
)
_IF_FIRST = re.compile(r"^(?:If|Assuming(?: that)?|Given that|Since) (?P<statement>[^?]+?), (?P<question>how [^?]*\?)$")
_IF_LAST = re.compile(r"^(?P<question>How [^?,]+?),? (?:if|assuming(?: that)?|given that) (?P<statement>[^?]+)\?$")
_UNREAL = re.compile(r"\b(?:would|(?<!here )were|could|should|had|may|might|instead|doesn't|does not|only if)\b")
_COUNTED = re.compile(
    rf"^How many(?: total)? (?P<noun>{_NOUN}?)(?: {_TOTAL})? (?P<be>are|were)(?: there| now| still)*"
    rf"(?: left| remaining)?(?: now)?(?: (?P<where>in|on|at) the (?P<place>[a-z]+))?(?: now)?(?:,? {_TOTAL})?\?$"
)
_COST = re.compile(
    r"^(?:How much (?:does|did|will) (?:everything|it all|all of (?:it|this|that|them)|the (?:whole|entire) \w+) cost"
    r"(?: \w+)?(?: in total| altogether)?|What (?:is|was|will be) (?:the|his|her) (?:total|final) (?:cost|bill|price)"
    r"(?: of (?:everything|the order|his order|her order|the purchase|all the items))?|"
    r"How much (?:is|was|will be) (?:the|his|her) total(?: bill| cost)?)\?$"
)
_PERIODS = r"(?:a|per|each|every|in a|in one|this|that) (?:day|week|month|year)|per hour|an hour|so far"
_REST = re.compile(
    rf"^(?:(?:left|remaining) (?:after|in|on|at|from|for) .+|"
    rf"left|now|left now|now left|remaining|{_PERIODS}|today|yesterday|away|back|off|"
    r"(?:on|for|at|in|during|over|from|last|this|that) .+|after \w+ (?:days|weeks|months|years)|\w+ing(?: \w+){0,2})?$"
)
_NO_REST = re.compile(
    r"\b(?:than|more|less|if|after|before|when|while|who|so|cents|left|"
    r"change|order to|total|average|each of|first|second|third|original\w*|beginning|start|other|one|ounces|half)\b"
)
AT_FIRST = "at the start"
_PLACE = re.compile(
    r"(?:in|on|at|from) (?:his|her|the) (?:grocery )?(?:store|shop|mall|market|supermarket|beach|farm|garden|yard|"
    r"forest|fair|zoo|arcade|collection)$"
)
"""A place after the verb that all of the story is about, so that the new sentences do not repeat it."""
_PURPOSE = re.compile(r"to [a-z]+ (?:his|her|the|an?|all)(?: (?!in|for|over|per|of|more|each)[a-z]+){1,2}")
"""What the things asked for are needed for, which the story tells of too."""
_PERIOD = re.compile(r"(?:a|per|each|every|in a|in one|this|that) (day|week|month|year)$")
_NOT_THINGS = re.compile(
    r"\b(?:more|fewer|less|additional|extra|other|others|percent|percentage|of (?:the|his|her|their|these|those|them)|"
    r"times|left|each|per|half|remaining|different|such|than|average|in|dozens?|total|dollars|cents|degrees|bills|"
    r"types|kinds|ways|sets?|days|weeks|months|years|a|an|the|and|or|for|on|with|from|does|did|that|to|at|over|"
    r"farther|further)\b"
)
_AGE = re.compile(r"^How old is (?P<who>[A-Z][a-z]+)(?:,? (?:now|today|currently))?\?$")
_FOREIGN = re.compile(
    r"^(?:\S+ ){0,6}(?:the|a|an|his|her|dog|cat) (?:[A-Za-z]+ ){0,3}(?:dragon|setter|puppy|kitten|squirrel|rabbit|"
    r"monkey|frog|snail|hamster|parrot|elephant|bear|mouse|turtle|horse)\b(?! (?:shop|farm|store|race))|"
    r"^\w+,? (?:is )?(?:the|an?|his|her) (?:[A-Za-z]+ ){0,2}(?:dog|cat|bird|fish)\b|[\u20ac\u00a3\u00a5]|\brupees?\b",
    re.IGNORECASE,
)
"""A story whose person may be an animal, or with money other than dollars."""
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"(])")
_COMMON_WORDS = """
    A An The In On At If When There Each Every One Two Three Four For After Last This That To From During Today
    Yesterday It Its How While Of All Some My His Her Their Our Mr Mrs Ms Dr Miss Mom Dad Grandma Monday Tuesday
    Wednesday Thursday Friday Saturday Sunday Half Out Over With As
"""
_COMMON = frozenset(_COMMON_WORDS.split())
"""Words at the start of a story that are no names."""


@dataclass(frozen=True)
class Asked:
    """The last question of a problem.

    Attributes:
        story: the text before it, without trailing spaces.
        text: the last question.
        noun: what it counts, in the plural; "money" for an amount in dollars.
        name: the person's name.
        he: the pronoun: ``he`` or ``she``; "" if it is not known.
        aux: did, does, will or has.
        verb: the verb's base form.
        rest: what follows the verb, such as "left" or "a week".
        paid: whether the question asks for a cost or what is paid. The verb is then "spend".
    """

    story: str
    text: str
    noun: str
    name: str
    he: str
    aux: str
    verb: str
    rest: str
    paid: bool = False

    @property
    def his(self) -> str:
        return {"he": "his", "she": "her", "": ""}[self.he]

    @property
    def period(self) -> str | None:
        """The period of a rate: day, week, month or year."""
        found = _PERIOD.match(self.rest)
        return found[1] if found else None

    def does(self, verb: str) -> str:
        """A verb in the tense of the question, for a subject in the singular."""
        return conjugated(verb, self.aux)

    def that(self) -> str:
        """The clause after the thing asked for: "that she has left", "that he earned"."""
        return f"that {self.he} {self.does(self.verb)}{self.rest and ' '}{self.rest}"

    def be(self, *, plural: bool = False) -> str:
        """The verb ``be`` of a thing in the tense of the question."""
        if self.aux == "will":
            return "will be"
        if self.aux in PAST_AUX:
            return "were" if plural else "was"
        return "are" if plural else "is"

    def are_there(self) -> str:
        """``are there`` in the tense of the question."""
        return "will there be" if self.aux == "will" else f"{self.be(plural=True)} there"

    def would_be(self) -> str:
        """``would be``, or ``would have been`` if the question is in the past."""
        return "would have been" if self.aux in PAST_AUX else "would be"

    def after(self, verb: str) -> str:
        """A verb in a clause with "after", in which the present stands for the future."""
        return conjugated(verb, "does") if self.aux == "will" else self.does(verb)

    def ask(self, what: str, verb: str) -> str:
        """A question with the same tense: ``how many`` or ``how much``, a verb's base form and what follows it."""
        return f"How {what} {auxiliary(self.aux)} {self.name} {verb}?"


@dataclass(frozen=True)
class Counted:
    """A last question about how many things there are, without a person.

    Attributes:
        story, text, noun: as in Asked.
        be: ``are`` or ``were``.
        place: where they are, if it is one of PLACES; else "".
    """

    story: str
    text: str
    noun: str
    be: str
    place: str

    @property
    def all(self) -> str:
        """The things: "these marbles", or "the marbles that are left"."""
        return f"the {self.noun} that {self.be} left" if re.search("left|remain", self.text) else f"these {self.noun}"


@dataclass(frozen=True)
class Aged:
    """A last question about a person's age now.

    Attributes:
        story, text, name: as in Asked.
    """

    story: str
    text: str
    name: str


_NO_SHOP = re.compile(
    r"\b(?:rent\w*|tax\w*|month\w*|weekly|years?|insur\w+|loan|debt|interest|employees|workers|salar\w+|wages?|bills?|"
    r"coupon|discount\w*|change|fine|tuition|hire[sd]?|owes|tips?|doctor\w*|dentist|vaccin\w*|lawyer|mechanic|flight\w*|"
    r"hotel|lessons?|repair\w*|fix\w*|sav\w+|borrow\w*|card|gave|cash|budget|gas|electric\w*|install\w*|charges|fee|"
    r"medic\w+|MRI|hospital|covers|split\w*|shar\w+|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)\b",
    re.IGNORECASE,
)
"""Words of a story in which a person does not pay once at a shop, or in which it is said how they pay."""
_EVERYTHING = re.compile(r"(?:for (?:everything|all of them)|(?:at|in) the (?:store|shop|mall|market|supermarket))?$")
"""What may follow "pay" or "spend" if it is all that the story tells of."""


def at_a_shop(a: Asked) -> bool:
    """Whether the person pays once at a shop, and the question asks for all of it."""
    return bool(_EVERYTHING.match(a.rest)) and not _NO_SHOP.search(a.story)


def split(question: str) -> tuple[str, str]:
    """(text before the last sentence, last sentence)."""
    parts = _SENTENCE_END.split(question.strip())
    return " ".join(parts[:-1]), parts[-1]


def statement_and_question(text: str) -> tuple[str, str]:
    """Separate the condition of a last question: ("He sells 3 pens.", "How much does he earn?"), or ("", text)."""
    found = _IF_FIRST.match(text) or _IF_LAST.match(text)
    if found is None or _UNREAL.search(found["statement"]):
        return "", text
    statement, question = found["statement"].strip(), found["question"].rstrip("?").strip() + "?"
    return f"{statement[0].upper()}{statement[1:]}.", f"{question[0].upper()}{question[1:]}"


def read(question: str) -> Asked | None:
    """Read the last question. Returns None if it has another form, or if the person or the thing is not clear."""
    story, text = split(question)
    statement, text = statement_and_question(text)
    story = f"{story} {statement}".strip()
    if not story or "?" in story or story[-1] not in ".!" or _FOREIGN.search(story):
        return None
    if _COST.match(text):
        return _payer(story, text)
    found = _ASKED.match(text)
    if found is None:
        return None
    rest, noun, aux, verb = found["rest"].strip(), found["noun"] or "money", found["aux"], found["verb"]
    if found["many"] and noun in ("dollars", "total dollars"):
        noun = "money"
    if aux == "has":
        verb = BASES.get(verb, verb.removesuffix("ed") if verb.removesuffix("ed") in REGULAR else "")
    verb, rest = _plain(verb, rest)
    if found["still"] == "still " and (verb != "have" or rest.startswith("to ")):
        return None  # "she still needs $5" is less than she needs
    if verb in ("need", "use") and found["many"] and _PURPOSE.fullmatch(rest):
        rest = ""
    if verb in ("need", "have") and (further := re.fullmatch(r"to ([a-z]+)(?: (.*))?", rest)):
        if further[1] in NO_VERBS:
            return None
        verb, rest = f"{verb} to {further[1]}", further[2] or ""
    if not verb or verb in NO_VERBS or not _REST.match(rest):
        return None
    if rest != AT_FIRST and _NO_REST.search(rest.removeprefix("left").removeprefix("remaining")):
        return None
    if re.search(r"\b(?:each|per|every)\b", rest) and not _PERIOD.match(rest):
        return None
    if noun != "money" and (
        _NOT_THINGS.search(noun) or not re.search(r"(?:s|people|children|fish|mice)(?: of [a-z ]+)?$", noun)
    ):
        return None
    if _PLACE.match(rest):
        rest = ""
    person = _person(question, found["who"])
    if person is None:
        return None
    paid = verb in ("pay", "need to pay", "have to pay") and noun == "money"
    return Asked(
        story,
        text,
        noun,
        *person,
        aux if rest == AT_FIRST else _tense(aux, verb, story),
        verb.replace("pay", "spend") if paid else verb,
        rest,
        paid,
    )


def _plain(verb: str, rest: str) -> tuple[str, str]:
    """A verb and what follows it, in fewer forms."""
    if verb == "end" and rest.startswith("up with"):
        verb, rest = "have", rest.removeprefix("up with").strip()
    if verb == "start" and rest in ("with", "out with", "off with"):
        return "have", AT_FIRST
    if verb == "have" and rest in ("in the beginning", "at the beginning", "at first", "initially", "to start with"):
        return verb, AT_FIRST
    if verb == "have" and re.match(r"left (?:to|in|from|at) (?!each)", rest):
        return verb, "left"
    return verb, rest


def _tense(aux: str, verb: str, story: str) -> str:
    """The auxiliary verb in the tense of the story, where the story and its question clearly differ."""
    words = set(re.findall(r"[a-z]+", story))
    if aux in PAST_AUX and (not in_past(words) or (conjugated(verb, "does") in words and past(verb) not in words)):
        return "does"
    happened = past(verb) != verb and past(verb) in words and conjugated(verb, aux) not in words
    return "did" if aux == "does" and happened and verb not in ("have", "need") else aux


def read_aged(question: str) -> Aged | None:
    """Read a last question about a person's age now. Returns None if it has another form."""
    story, text = split(question)
    found = _AGE.match(text)
    if found is None or "?" in story or not story or _FOREIGN.search(story) or found["who"] not in BOYS | GIRLS:
        return None
    return Aged(story, text, found["who"])


def read_counted(question: str) -> Counted | None:
    """Read a last question about how many things there are. Returns None if it has another form."""
    story, text = split(question)
    statement, text = statement_and_question(text)
    story = f"{story} {statement}".strip()
    found = _COUNTED.match(text)
    if found is None or not story or "?" in story or story[-1] not in ".!" or _NOT_THINGS.search(found["noun"]):
        return None
    if _FOREIGN.search(story):
        return None
    place = found["place"] if found["place"] in PLACES else ""
    words = set(re.findall(r"[a-z]+", story))
    now = words & {"is", "are", "has", "have"}
    be = found["be"] if in_past(words) == bool(now) else "are" if now else "were"
    return Counted(story, text, found["noun"], be, place)


PLACES = frozenset(["park", "zoo", "garden", "farm", "class", "classroom", "school", "library", "street", "box",
                    "jar", "bag", "basket", "museum", "store", "building", "pond", "lake", "aquarium", "village",
                    "town", "theater", "choir", "team", "club", "camp", "orchard", "hall", "room"])  # fmt: skip
"""Places that there may be several of."""


def _payer(story: str, text: str) -> Asked | None:
    """The last question about a total cost, with the only person of the story, who pays it."""
    he, she = (re.search(pattern, story, re.IGNORECASE) for pattern in (r"\b(?:he|his|him)\b", r"\b(?:she|her)\b"))
    if bool(he) == bool(she):
        return None
    person = _person(story, "he" if he else "she")
    if person is None or not re.search(r"\b(?:buys?|bought|orders?|ordered|purchase[sd]?|pays?|paid)\b", story):
        return None
    aux = next(
        (aux for words, aux in (("will", "will"), ("did", "did"), ("was", "did")) if words in text.split()), "does"
    )
    return Asked(story, text, "money", *person, aux, "spend", "", paid=True)


def _person(question: str, who: str) -> tuple[str, str] | None:
    """(name, pronoun) of the person who acts; None if it is not clear."""
    named = {name for name in re.findall(r"\b[A-Z][a-z]+\b", question) if name in BOYS or name in GIRLS}
    first = question.split()[0].removesuffix("'s").removesuffix("\u2019s")
    if not named and re.fullmatch(r"[A-Z][a-z]{2,}", first) and first not in _COMMON:
        named = {first}
    boy, girl = (
        re.search(words, question, re.IGNORECASE) for words in (r"\b(?:he|his|him)\b", r"\b(?:she|her|hers)\b")
    )
    if who in ("he", "she"):
        if len(named) != 1 or (boy and girl):
            return None
        (name,) = named
        return (name, who) if name not in (GIRLS if who == "he" else BOYS) else None
    if who in BOYS or who in GIRLS:
        he = "he" if who in BOYS else "she"
        return who, "" if len(named) == 1 and (girl if he == "he" else boy) else he
    if who in _COMMON or len(who) < 3:
        return None
    return who, "" if named != {who} or bool(boy) == bool(girl) else "he" if boy else "she"
