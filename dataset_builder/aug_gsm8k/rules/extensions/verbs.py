"""Forms of verbs, in the tense of a question's auxiliary verb."""

from __future__ import annotations

import re

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
_PAST_FORMS = frozenset(_PAST.values())
PAST_AUX = ("did", "has")
"""Auxiliary verbs of the past."""
BASES = {past: base for base, past in _PAST.items()} | {
    "eaten": "eat",
    "seen": "see",
    "written": "write",
    "given": "give",
}
"""Past tense or participle of an irregular verb -> its base form."""
REGULAR = frozenset(
    ["collect", "pick", "walk", "plant", "earn", "receive", "watch", "paint", "pack", "score", "deliver"]
)
"""Regular verbs that may follow "has"."""


def conjugated(verb: str, aux: str) -> str:
    """A verb's form after a subject in the singular, in the tense of the auxiliary verb. ``has`` counts as the past."""
    if aux == "will":
        return f"will {verb}"
    if " " in verb:
        first, _, rest = verb.partition(" ")
        return f"{conjugated(first, aux)} {rest}"
    if aux in PAST_AUX:
        return past(verb)
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


def auxiliary(aux: str, *, plural: bool = False) -> str:
    """The auxiliary verb of a question. ``has`` counts as the past."""
    if aux == "will":
        return "will"
    if aux in PAST_AUX:
        return "did"
    return "do" if plural else "does"


def in_past(words: set[str]) -> bool:
    """Whether there is a verb in the past among the words of a story."""
    return bool(words & _PAST_FORMS) or any(re.fullmatch(r"[a-z]{2,}ed", word) for word in words)
