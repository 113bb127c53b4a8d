"""Read the last question of a problem: what it asks for, who acts, and in which tense."""

from __future__ import annotations

import re
from dataclasses import dataclass

from arith_puzzle.dataset_builder.aug_gsm8k.rules.names import BOYS, GIRLS

_PAST = {
    "have": "had", "do": "did", "be": "was", "get": "got", "eat": "ate", "buy": "bought", "sell": "sold",
    "make": "made", "run": "ran", "read": "read", "take": "took", "drink": "drank", "drive": "drove", "see": "saw",
    "keep": "kept", "win": "won", "catch": "caught", "give": "gave", "send": "sent", "ride": "rode", "write": "wrote",
    "lose": "lost", "find": "found", "pay": "paid", "spend": "spent", "put": "put", "swim": "swam", "draw": "drew",
    "throw": "threw", "sleep": "slept", "fly": "flew", "grow": "grew", "bring": "brought",
    "build": "built", "sew": "sewed", "knit": "knitted", "speak": "spoke", "hold": "held", "lay": "laid", "hit": "hit",
    "cut": "cut", "shoot": "shot", "feed": "fed", "sing": "sang", "teach": "taught", "hang": "hung", "shut": "shut",
    "light": "lit", "spread": "spread", "dig": "dug", "swing": "swung", "think": "thought",
}  # fmt: skip
_DOUBLED = {"jog": "jogged", "plan": "planned", "hop": "hopped", "drop": "dropped", "shop": "shopped",
            "skip": "skipped", "chop": "chopped", "wrap": "wrapped", "stop": "stopped"}  # fmt: skip
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
_NAMES = r"[A-Z][a-z]+(?:, [A-Z][a-z]+)*,? and [A-Z][a-z]+"
_ASKED = re.compile(
    rf"^(?:So, |Then, |Altogether, |In total, )?[Hh]ow (?:(?P<many>many)(?: total)? (?P<noun>{_NOUN}?)(?: {_TOTAL})?|"
    rf"(?P<much>much)(?: total)?(?: money)?(?: {_TOTAL})?(?:,? in (?:dollars|total),?)?) "
    rf"(?P<aux>did|does|do|will|has|have) (?P<who>{_NAMES}|[A-Z][a-z]+|he|she|they) "
    rf"(?:now |still |currently )?(?P<verb>[a-z]+)"
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
_PERIODS = r"(?:a|per|each|every|in a|in one|this|that) (?:day|week|month|year)"
_REST = re.compile(
    rf"^(?:(?:left|remaining) (?:after|in|on|at|from|for) .+|"
    rf"left|now|left now|now left|remaining|{_PERIODS}|today|yesterday|away|back|off|"
    r"(?:on|for|at|in|during|over|from|last|this|that) .+|\w+ing(?: \w+){0,2})?$"
)
_NO_REST = re.compile(
    r"\b(?:than|more|less|if|after|before|when|while|who|so|cents|left|"
    r"change|order to|total|average|each of|first|second|third|original\w*|beginning|start|other|one|ounces|half)\b"
)
_PERIOD = re.compile(r"(?:a|per|each|every|in a|in one|this|that) (day|week|month|year)$")
_NOT_THINGS = re.compile(
    r"\b(?:more|fewer|less|additional|extra|other|others|percent|percentage|of (?:the|his|her|their|these|those|them)|"
    r"times|left|each|per|half|remaining|different|such|than|average|in|dozens?|total|dollars|cents|degrees|bills|"
    r"types|kinds|ways|sets?|days|weeks|months|years|a|an|the|and|or|for|on|with|from|does|did|that|to|at|over|"
    r"farther|further)\b"
)
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"(])")
_PLURAL = {"they"}
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
        name: the person's name, or the names of ``they``; "" if ``they`` have none.
        he: the pronoun: ``he``, ``she`` or ``they``.
        aux: did, does, do, will, has or have.
        verb: the verb's base form.
        rest: what follows the verb, such as "left" or "a week".
        implied: whether the question asks for a cost, and the person who pays it is only known from the story.
    """

    story: str
    text: str
    noun: str
    name: str
    he: str
    aux: str
    verb: str
    rest: str
    implied: bool = False

    @property
    def his(self) -> str:
        return {"he": "his", "she": "her", "they": "their"}[self.he]

    @property
    def him(self) -> str:
        return {"he": "him", "she": "her", "they": "them"}[self.he]

    @property
    def who(self) -> str:
        """The subject at the start of a sentence."""
        return self.name or "They"

    def who_again(self) -> str:
        """The subject inside a sentence in which it was not named before."""
        return self.name or "they"

    def subject_again(self) -> str:
        """The subject at the start of a sentence after one about somebody else."""
        return self.who

    @property
    def period(self) -> str | None:
        """The period of a rate: day, week, month or year."""
        found = _PERIOD.match(self.rest)
        return found[1] if found else None

    def does(self, verb: str, subject: str = "he") -> str:
        """A verb in the tense of the question, for the person, or for any ``subject`` in the singular."""
        plural = subject == "he" and self.he in _PLURAL
        return conjugated(verb, self.aux, plural=plural)

    def that(self) -> str:
        """The clause after the thing asked for: "that she has left", "that he earned"."""
        return f"that {self.he} {self.does(self.verb)}{self.rest and ' '}{self.rest}"

    def be(self, *, plural: bool = False) -> str:
        """The verb ``be`` of a thing in the tense of the question."""
        if self.aux == "will":
            return "will be"
        if auxiliary(self.aux, plural=False) == "did":
            return "were" if plural else "was"
        return "are" if plural else "is"

    def are(self) -> str:
        """``are``, or ``were`` if the question is in the past."""
        return "were" if auxiliary(self.aux, plural=False) == "did" else "are"

    def are_there(self) -> str:
        """``are there`` in the tense of the question."""
        return "will there be" if self.aux == "will" else f"{self.are()} there"

    def would_be(self) -> str:
        """``would be``, or ``would have been`` if the question is in the past."""
        return "would have been" if auxiliary(self.aux, plural=False) == "did" else "would be"

    def after(self, verb: str) -> str:
        """A verb in a clause with "after", in which the present stands for the future."""
        return self.does(verb) if self.aux != "will" else conjugated(verb, "does", plural=self.he in _PLURAL)

    def ask(self, what: str, verb: str, *, named: bool = False) -> str:
        """A question with the same tense: ``how many`` or ``how much``, a verb's base form and what follows it.

        If ``named`` is true, the subject is the name, because the pronoun may refer to somebody else.
        """
        base, _, rest = verb.partition(" ")
        does = auxiliary(self.aux, plural=self.he in _PLURAL)
        return f"How {what} {does} {self.name if named and self.name else self.he} {base}{rest and ' '}{rest}?"


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


def conjugated(verb: str, aux: str, *, plural: bool) -> str:
    """A verb's form after a subject in the tense of the auxiliary verb. ``has`` and ``have`` count as the past."""
    if aux == "will":
        return f"will {verb}"
    if " " in verb:
        first, _, rest = verb.partition(" ")
        return f"{conjugated(first, aux, plural=plural)} {rest}"
    if aux in ("did", "has", "have"):
        return past(verb)
    if plural:
        return verb
    if verb == "have":
        return "has"
    if re.search(r"(?:s|sh|ch|x|z|o)$", verb):
        return f"{verb}es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", verb) + "s"


def past(verb: str) -> str:
    """The past tense of a verb."""
    if known := _PAST.get(verb) or _DOUBLED.get(verb):
        return known
    if verb.endswith("e"):
        return f"{verb}d"
    return re.sub(r"(?<=[^aeiou])y$", "i", verb) + "ed"


def auxiliary(aux: str, *, plural: bool) -> str:
    """The auxiliary verb of a question. ``has`` and ``have`` count as the past."""
    if aux == "will":
        return "will"
    if aux in ("did", "has", "have"):
        return "did"
    return "do" if plural else "does"


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
    if not story or "?" in story or story[-1] not in ".!":
        return None
    if _COST.match(text):
        return _payer(story, text)
    found = _ASKED.match(text)
    if found is None:
        return None
    rest, noun, aux, verb = found["rest"].strip(), found["noun"] or "money", found["aux"], found["verb"]
    if found["many"] and noun in ("dollars", "total dollars"):
        noun = "money"
    if aux in ("has", "have"):
        verb = _BASES.get(verb, verb.removesuffix("ed") if verb.removesuffix("ed") in _REGULAR else "")
    if verb == "end" and rest.startswith("up with"):
        verb, rest = "have", rest.removeprefix("up with").strip()
    if verb in ("need", "have") and (further := re.fullmatch(r"to ([a-z]+)(?: (.*))?", rest)):
        if further[1] in NO_VERBS:
            return None
        verb, rest = f"{verb} to {further[1]}", further[2] or ""
    if not verb or verb in NO_VERBS or not _REST.match(rest):
        return None
    if _NO_REST.search(re.sub("^(?:left|remaining)(?: after)?", "", rest)):
        return None
    if re.search(r"\b(?:each|per|every)\b", rest) and not _PERIOD.match(rest):
        return None
    if noun != "money" and (
        _NOT_THINGS.search(noun) or not re.search(r"(?:s|people|children|fish|mice)(?: of [a-z ]+)?$", noun)
    ):
        return None
    person = _person(question, found["who"])
    if person is None or (aux in ("do", "have") and person[1] != "they"):
        return None
    return Asked(story, text, noun, *person, aux, verb, rest)


def read_counted(question: str) -> Counted | None:
    """Read a last question about how many things there are. Returns None if it has another form."""
    story, text = split(question)
    statement, text = statement_and_question(text)
    story = f"{story} {statement}".strip()
    found = _COUNTED.match(text)
    if found is None or not story or "?" in story or story[-1] not in ".!" or _NOT_THINGS.search(found["noun"]):
        return None
    place = found["place"] if found["place"] in PLACES else ""
    return Counted(story, text, found["noun"], found["be"], place)


PLACES = frozenset(["park", "zoo", "garden", "farm", "class", "classroom", "school", "library", "street", "box",
                    "jar", "bag", "basket", "museum", "store", "building", "pond", "lake", "aquarium", "village",
                    "town", "theater", "choir", "team", "club", "camp", "orchard", "hall", "room"])  # fmt: skip
"""Places that there may be several of."""
_LEFT = {"left", "left now", "now left"}
_BASES = {past: base for base, past in _PAST.items()} | {
    "eaten": "eat",
    "seen": "see",
    "written": "write",
    "given": "give",
}
_REGULAR = frozenset(
    ["collect", "pick", "walk", "plant", "earn", "receive", "watch", "paint", "pack", "score", "deliver"]
)


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
    return Asked(story, text, "money", *person, aux, "pay", "", implied=True)


def _person(question: str, who: str) -> tuple[str, str] | None:
    """(name, pronoun) of the person who acts; None if it is not clear."""
    if who == "they" or " and " in who:
        return who.removeprefix("they"), "they"
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
        return None if len(named) == 1 and (girl if he == "he" else boy) else (who, he)
    if named != {who} or bool(boy) == bool(girl):
        return None
    return who, "he" if boy else "she"
