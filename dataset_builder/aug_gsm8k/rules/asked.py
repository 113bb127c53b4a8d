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
    "throw": "threw", "teach": "taught", "sleep": "slept", "fly": "flew", "grow": "grew", "bring": "brought",
    "build": "built", "sew": "sewed", "knit": "knitted", "speak": "spoke", "hold": "held", "lay": "laid", "hit": "hit",
    "cut": "cut", "leave": "left", "shoot": "shot",
}  # fmt: skip
_DOUBLED = {"jog": "jogged", "plan": "planned", "hop": "hopped", "drop": "dropped", "shop": "shopped",
            "skip": "skipped", "chop": "chopped", "wrap": "wrapped", "stop": "stopped"}  # fmt: skip
_VERBS = """
    have get eat buy sell make run read take drink drive see keep win catch give send ride write lose find pay spend
    swim draw throw score travel walk pick plant collect count own earn practice watch receive work donate
    deliver bake paint wash pack harvest study cook climb jog play save raise sew knit solve burn borrow consume
    complete bike hike gather download order invite tutor volunteer
"""
VERBS = frozenset(_VERBS.split()) - {"take"}
"""Verbs of the last question for which a strategy knows the forms."""

_TOTAL = r"(?:in total|altogether|all together|in all|total|combined)"
_NOUN = r"[a-z][a-z'-]*(?: [a-z][a-z'-]*){0,2}"
_ASKED = re.compile(
    rf"^(?:So, |Then, |Altogether, |In total, )?[Hh]ow (?:(?P<many>many)(?: total)? (?P<noun>{_NOUN}?)(?: {_TOTAL})?|"
    rf"(?P<much>much)(?: total)?(?: money)?(?: {_TOTAL})?(?:,? in (?:dollars|total),?)?) "
    rf"(?P<aux>did|does|do|will|has|have) (?P<who>[A-Z][a-z]+|he|she|they) (?:now )?(?P<verb>[a-z]+)"
    rf"(?P<rest>(?: [A-Za-z']+){{0,4}}?)(?: {_TOTAL})?"
    r"(?:, in dollars)?\?$"
)
_REST = re.compile(
    r"^(?:left|now|left now|now left|remaining|a (?:day|week|month|year)|per (?:day|week|month|year)|"
    r"each (?:day|week|month|year)|every (?:day|week|month|year)|in a (?:day|week|month|year)|this (?:week|month|year)|"
    r"that (?:day|week|month)|(?:on|last) (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|"
    r"last (?:week|month|year)|over the weekend|for everything|"
    r"at the (?:store|market|shop|fair)|for all of them|today|yesterday|that day|away|back|off|in the end)?$"
)
_PERIOD = re.compile(r"(?:a|per|each|every|in a|in one|this|that) (day|week|month|year)$")
_NOT_THINGS = re.compile(
    r"\b(?:more|fewer|less|additional|extra|other|others|percent|percentage|of|times|left|each|per|half|remaining|"
    r"different|such|than|average|in|dozens?|pairs?|total|dollars|cents|degrees|bills|types|kinds|ways|sets?)\b"
)
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"(])")
_PLURAL = {"they"}


@dataclass(frozen=True)
class Asked:
    """The last question of a problem.

    Attributes:
        story: the text before it, without trailing spaces.
        text: the last question.
        noun: what it counts, in the plural; "money" for an amount in dollars.
        name: the person's name; "" for ``they``.
        he: the pronoun: ``he``, ``she`` or ``they``.
        aux: did, does, do, will, has or have.
        verb: the verb's base form.
        rest: what follows the verb, such as "left" or "a week".
    """

    story: str
    text: str
    noun: str
    name: str
    he: str
    aux: str
    verb: str
    rest: str

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


def conjugated(verb: str, aux: str, *, plural: bool) -> str:
    """A verb's form after a subject in the tense of the auxiliary verb. ``has`` and ``have`` count as the past."""
    if aux == "will":
        return f"will {verb}"
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


def read(question: str) -> Asked | None:
    """Read the last question. Returns None if it has another form, or if the person or the thing is not clear."""
    story, text = split(question)
    found = _ASKED.match(text)
    if found is None or not story or "?" in story:
        return None
    rest = found["rest"].strip()
    noun = found["noun"] or "money"
    if found["verb"] not in VERBS or not _REST.match(rest):
        return None
    if found["many"] and (_NOT_THINGS.search(noun) or not noun.endswith(("s", "people", "children", "fish", "mice"))):
        return None
    person = _person(question, found["who"])
    if person is None:
        return None
    aux = found["aux"]
    if aux in ("do", "have") and found["who"] != "they":
        return None
    return Asked(story, text, noun, *person, aux, found["verb"], rest)


def _person(question: str, who: str) -> tuple[str, str] | None:
    """(name, pronoun) of the person who acts; None if it is not clear."""
    if who == "they":
        return "", "they"
    named = {name for name in re.findall(r"\b[A-Z][a-z]+\b", question) if name in BOYS or name in GIRLS}
    if who in ("he", "she"):
        own = named & (BOYS if who == "he" else GIRLS)
        return (own.pop(), who) if len(own) == 1 and len(named) == 1 else None
    if who not in BOYS and who not in GIRLS:
        return None
    he = "he" if who in BOYS else "she"
    other = r"\b(?:she|her|hers)\b" if he == "he" else r"\b(?:he|his|him)\b"
    return None if len(named) == 1 and re.search(other, question, re.IGNORECASE) else (who, he)
