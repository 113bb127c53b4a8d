"""Read the final question of a GSM8K problem as a noun phrase.

"How many eggs does she sell?" becomes "the eggs that she sells". The phrase lets a new question speak of the source's
answer. Questions in other forms give None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PAST = {
    "have": "had", "need": "needed", "spend": "spent", "make": "made", "pay": "paid", "get": "got", "buy": "bought",
    "eat": "ate", "sell": "sold", "save": "saved", "use": "used", "read": "read", "run": "ran", "give": "gave",
    "receive": "received", "drink": "drank", "keep": "kept", "drive": "drove", "catch": "caught", "see": "saw",
    "lose": "lost", "win": "won", "find": "found", "plant": "planted", "put": "put", "ride": "rode", "send": "sent",
    "bake": "baked", "donate": "donated", "raise": "raised", "write": "wrote", "bring": "brought", "owe": "owed",
    "charge": "charged", "feed": "fed", "hold": "held", "consume": "consumed", "throw": "threw", "swim": "swam",
    "draw": "drew", "purchase": "purchased", "grow": "grew", "place": "placed", "practice": "practiced", "do": "did",
    "carry": "carried", "type": "typed", "cut": "cut", "hike": "hiked", "jog": "jogged", "bike": "biked",
    "exercise": "exercised", "wrap": "wrapped", "knit": "knitted", "serve": "served", "invite": "invited",
    "study": "studied", "borrow": "borrowed", "sew": "sewed", "share": "shared", "take": "took", "want": "wanted",
    "score": "scored", "move": "moved", "produce": "produced", "prepare": "prepared", "handle": "handled",
    "pass": "passed", "leave": "left", "lend": "lent", "cycle": "cycled", "shovel": "shoveled", "choose": "chose",
    "set": "set", "go": "went", "build": "built", "lay": "laid", "teach": "taught", "cost": "cost",
    "order": "ordered", "deliver": "delivered", "gather": "gathered", "collect": "collected", "harvest": "harvested",
    "hand": "handed", "divide": "divided", "exchange": "exchanged", "split": "split", "hear": "heard",
    "contribute": "contributed", "trade": "traded", "plan": "planned",
}  # fmt: skip
"""Verbs whose past tense is irregular or does not only add "ed" to the base form, and some common ones."""

_REGULAR = (
    "add answer burn clean climb collect color cook count deliver earn end fill fold gain gather harvest"
    " iron knock learn order own paint pack pick plant play post print pull push return sort start train travel"
    " trade visit walk wash watch work mow stack listen deposit"
)
VERBS = {*_PAST, *_REGULAR.split()}

_PRONOUN = r"(?:he|she|they|it|I|we|you)"
_TITLE = r"(?:(?:Mr|Mrs|Ms|Dr)\.? |Aunt |Uncle |Coach |Farmer |Captain )?"
_NAME = rf"{_TITLE}[A-Z][a-z]+(?: [A-Z][a-z]+)?"
_NAMES = rf"{_NAME}(?:, {_NAME})*(?:,? and (?:{_NAME}|(?:his|her) [a-z]+))?"
_COMMON = r"(?:(?:the|each|every|his|her|their|both) (?:[a-z]+ ){0,2}?[a-z]+|[A-Z][a-z]+'s [a-z]+)"
_SUBJECT = re.compile(
    rf"^(?P<subject>{_PRONOUN}|{_NAMES}|{_COMMON}) (?P<adverb>(?:still|now|currently|originally|initially|actually) )?"
    rf"(?P<verb>{'|'.join(sorted(VERBS))})(?P<tail>(?: .*)?)$"
)
_AUX = r"(?P<aux>does|do|did|will|would|should|can|are|is|were|was|has|have)"
_MANY = re.compile(rf"^(?P<noun>[a-z][a-z' -]*?) {_AUX} (?P<rest>.+)$")
_MUCH = re.compile(
    rf"^(?:(?P<noun>(?:more )?(?:total )?(?:money|change|profit|cash))(?: in (?:total|all|dollars))? )?"
    rf"{_AUX} (?P<rest>.+)$"
)
_REMAINED = re.compile(r"^(?P<noun>[a-z][a-z' -]*?) (?P<verb>remain|remained|will remain)(?P<tail>(?: .*)?)$")
_DOERS = re.compile(r"^(?P<noun>[a-z]+(?: [a-z]+)?) (?!did |had |have |were |are )(?P<verb>[a-z]+)(?P<tail>(?: .*)?)$")
_WHAT = re.compile(
    r"^the (?:total |combined )?(?P<noun>number of (?P<of>[a-z][a-z' -]*?)|cost|price|amount of money|profit|"
    r"revenue|bill)"
    r"(?P<tail>(?: (?:of|that|for|in|on|at|from|sold|made|spent|earned|she|he|they|the|[A-Z]\w+)\b.*)?)$"
)
_OLD = re.compile(rf"^old (?P<aux>is|was) (?P<who>{_NAME})(?: now| currently| today)?$")
_QUESTION = re.compile(
    r"^(?P<before>.*?)(?:^|\b)(?P<word>how many|how much|what is|what's|what was|calculate|find|determine|"
    r"how(?= old (?:is|was))) (?P<ask>.*)[?.]$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])(?<!Mr\.)(?<!Mrs\.)(?<!Ms\.)(?<!Dr\.)(?<!St\.)(?<!a\.m\.)(?<!p\.m\.)[\"”]? +")
_TOTAL = re.compile(
    r",? ?\b(?:in total|altogether|all together|in all|total|combined|overall|in dollars|together in total)\b,?"
)
_BAD_TAIL = re.compile(
    r"\b(?:than|each|every|per|daily|weekly|monthly|average|if|when|while|so|because|assuming|given|compared|instead|"
    r"apiece|respectively|what|how|which|but)\b|[,:;()\"%]"
    r"|(?<!\bin )(?<!\bfor )(?<!\bafter )(?<!\bover )(?<!\bwithin )\b(?:a|an|one) (?:day|week|month|year|hour|minute)\b"
)
_BAD_NOUN = re.compile(
    r"\b(?:dozen|fewer|less|additional|other|extra|different|times|percent|of (?:them|the|these|those|his|her|"
    r"each|their)|"
    r"ways|much|than|and|or|on average|each|per|a|an|combinations|bills|older|taller|longer|tall|old|long|deep|apart|"
    r"farther|further|faster|ago|later|cubic|degrees|sets?|half|whole|full|average|in|at|from|to)\b"
)
_BAD_PREMISE = re.compile(r"\b(?:were to|would|should|instead|if|when|assuming|given|then|so|had \w+(?:ed|en|ought))\b")
_PLURALS = {"people", "children", "men", "women", "fish", "mice", "geese", "sheep", "feet", "deer", "teeth", "students"}
PEOPLE = re.compile(
    r"\b(?:people|students?|children|kids|guests|passengers|adults|girls|boys|men|women|employees|customers|workers|"
    r"players|members|teachers|parents|visitors|friends|fans|campers|residents|patients|volunteers|attendees)$"
)


@dataclass(frozen=True)
class Final:
    """The final question of a problem.

    Attributes:
        body: the text before it; an if-clause of the last sentence is its last sentence.
        kind: ``money``, ``count`` (whole things or units of measure), ``unit price`` or ``age``.
        noun: what is asked for, such as ``eggs`` or ``gallons of water``; ``money`` for money.
        subject: who acts, such as ``Ann``, ``she`` or ``the baker``; empty if the phrase has no subject.
        verb: base form of the verb, such as ``sell``; ``be`` if something is there or left.
        tense: ``past``, ``present`` or ``future``.
        needed: whether the quantity is still needed, to be paid or to be done.
        head, rest: the noun phrase is ``head``, the subject and ``rest``; without a subject it is ``head``.
        tail: the words after the verb.
    """

    body: str
    kind: str
    noun: str
    subject: str
    verb: str
    tense: str
    needed: bool
    head: str
    rest: str
    tail: str

    def phrase(self, subject: str | None = None) -> str:
        """The noun phrase, such as "the eggs that Ann sells", with another subject if one is given."""
        return f"{self.head} {subject or self.subject} {self.rest}".strip() if self.subject else self.head


def third(verb: str) -> str:
    """The form of a verb after he or she: has, goes, carries, washes, sells."""
    if verb == "have":
        return "has"
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(?:s|x|z|ch|sh|o)$", verb) else f"{verb}s"


def conjugated(verb: str, tense: str, plural: bool) -> str:
    """A verb of VERBS in a tense; ``plural`` says whether its subject takes "they" forms."""
    if tense == "future":
        return f"will {verb}"
    if tense == "past":
        return _PAST.get(verb) or f"{verb}ed"
    return verb if plural else third(verb)


def is_plural(subject: str) -> bool:
    """Whether a subject takes the verb forms of "they"."""
    return subject in ("they", "I", "we", "you") or " and " in subject or subject.startswith("both ")


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return _SENTENCE.split(text)


def parse_final(query: str) -> Final | None:
    """Read the final question of a problem. Returns None if it has another form or is not the only question."""
    text = " ".join(query.split())
    last = sentences(text)[-1]
    if text.count("?") + text.endswith(".") != 1 or text[-1:] not in "?.":
        return None
    body = text[: len(text) - len(last)].strip()
    match = _QUESTION.match(last)
    if not match or (body and body[-1] not in ".!"):
        return None
    premise = _premise(match["before"], bool(re.search(r"\b(?:did|was|were)\b", match["ask"])))
    if premise is None:
        return None
    statement, suffix = premise
    body = f"{body} {statement}".strip()
    ask, word = re.sub(r",? in (?:dollars|total|all)\b,?", "", match["ask"]).strip(), match["word"].lower()
    if not body:
        return None
    if text.endswith(".") and word not in ("calculate", "find", "determine"):
        return None
    if word.startswith(("what", "calc", "find", "det")):
        return None if suffix else _what(body, ask, word)
    if word == "how":
        return None if suffix else _age(body, ask)
    if word == "how much":
        return _money(body, ask, suffix, text)
    return _many(body, ask, suffix)


def _premise(before: str, past: bool) -> tuple[str, str] | None:
    """(a statement made from the clause before "how many", words for the end of the phrase), or None."""
    before = re.sub(r",? (?:and|then|so)?$|,$", "", before.strip()).strip().rstrip(",").strip()
    before = re.sub(r",$", "", re.sub(r" (?:and|then)$", "", before))
    if not before or before.lower() in ("in total", "altogether", "in all", "so", "now", "overall", "together", "and"):
        return "", ""
    match = re.match(r"(?:If|Given that|Considering that|Considering|Knowing that) (.*)$", before)
    if match:
        clause = match[1].strip()
        unreal = _BAD_PREMISE.search(clause) or (not past and re.search(r"\b(?:had|wanted|could)\b", clause))
        if len(clause.split()) < 3 or unreal or not re.search(r"[a-z]$|[0-9]$|%$", clause):
            return None
        return f"{clause[0].upper()}{clause[1:]}.", ""
    period = re.match(r"(?:After|At the end of|By the end of|During|Over|Within) [^,]*$", before)
    if period and len(before.split()) <= 6:
        return "", f"{before[0].lower()}{before[1:]}"
    return None


def _tail(text: str, suffix: str) -> str | None:
    """The words after the verb without "in total", or None if they cannot end a noun phrase."""
    text = " ".join(_TOTAL.sub(" ", f"{text} {suffix}").split())
    return None if _BAD_TAIL.search(text) or len(text.split()) > 12 else text


def _noun(noun: str) -> str | None:
    """The noun without "total", or None if it is not a plural noun that can be counted."""
    noun = " ".join(_TOTAL.sub(" ", noun).split())
    if _BAD_NOUN.search(noun) or not noun or len(noun.split()) > 5:
        return None
    head = noun.partition(" of ")[0].split()[-1]
    return noun if head in _PLURALS or (head.endswith("s") and not head.endswith("ss")) else None


def _many(body: str, ask: str, suffix: str) -> Final | None:
    match = _REMAINED.match(ask)
    if match:
        noun, tail = _noun(match["noun"]), _tail(match["tail"], suffix)
        if noun is None or tail is None:
            return None
        verb = match["verb"]
        tense = {"remained": "past", "will remain": "future"}.get(verb, "present")
        return Final(body, "count", noun, "", "be", tense, False, f"the {noun} that {verb} {tail}".strip(), "", tail)
    match = _DOERS.match(ask)
    if match and PEOPLE.search(match["noun"]) and (match["verb"] in _PAST.values() or match["verb"].endswith("ed")):
        noun, tail = _noun(match["noun"]), _tail(match["tail"], suffix)
        if noun is None or tail is None:
            return None
        head = f"the {noun} who {match['verb']} {tail}".strip()
        return Final(body, "count", noun, "", "be", "past", False, head, "", tail)
    match = _MANY.match(ask)
    if not match:
        return None
    more = match["noun"].startswith("more ")
    noun = _noun(match["noun"].removeprefix("more "))
    if noun is None:
        return None
    if noun == "dollars":
        return _clause(body, "money", "money", "the money", match["aux"], match["rest"], suffix, more)
    if match["aux"] in ("are", "is", "were", "was"):
        found = _being(body, noun, match["aux"], match["rest"], suffix)
        return None if more else found
    return _clause(body, "count", noun, f"the {noun}", match["aux"], match["rest"], suffix, more)


def _being(body: str, noun: str, aux: str, rest: str, suffix: str) -> Final | None:
    """ "How many eggs are left?", "are there in the box?", "were sold?" """
    tense = "past" if aux in ("was", "were") else "present"
    match = re.match(r"^there\b(?P<tail>.*)$", rest)
    if match:
        tail = _tail(match["tail"], suffix)
        if tail is None or re.match(r"(?:to|of)\b", tail):
            return None
        return Final(body, "count", noun, "", "be", tense, False, f"the {noun} {tail}".strip(), "", tail)
    match = re.match(
        r"^(?P<what>left|remaining|used|needed|sold|in|on|at|still|not|made|eaten|given|planted|bought|taken|baked|[a-z]{2,}ing)\b"
        r"(?P<tail>.*)$",
        rest,
    )
    tail = _tail(rest, suffix)
    if not match or tail is None or " to " in f" {tail} " or aux in ("is", "was"):
        return None
    link = "who" if PEOPLE.search(noun) else "that"
    needed = match["what"] == "needed"
    verb = "be" if match["what"] in ("left", "remaining", "in", "on", "at", "still") else match["what"]
    return Final(body, "count", noun, "", verb, tense, needed, f"the {noun} {link} {aux} {tail}", "", tail)


def _clause(body: str, kind: str, noun: str, head: str, aux: str, rest: str, suffix: str, more: bool) -> Final | None:
    """The relative clause of "does Ann sell at the market": "that Ann sells at the market"."""
    match = _SUBJECT.match(rest)
    if aux in ("has", "have", "are", "is", "were", "was") or not match or match["verb"] not in VERBS:
        return None
    subject, verb = match["subject"], match["verb"]
    tail = _tail(match["tail"], suffix)
    if tail is None or (subject == "it" and verb != "take"):
        return None
    tense = {"did": "past", "will": "future", "would": "future"}.get(aux, "present")
    plural = is_plural(subject) or (aux == "do")
    infinitive = re.match(r"(?:left )?to ([a-z]+)\b", tail)
    to_do = infinitive is not None and verb in ("have", "need", "want")
    needed = verb in ("need", "want", "owe") or aux == "should" or to_do
    if infinitive and to_do:
        tail_verb = infinitive[1]
        if tail_verb not in VERBS and tail_verb not in ("complete", "finish", "replace"):
            return None
    elif infinitive and verb not in ("take", "use"):
        return None
    if more and (not needed or "still" not in (match["adverb"] or "still")):
        return None
    adverb = (match["adverb"] or "").strip() or ("still" if more else "")
    form = f"{aux} {verb}" if aux in ("can", "should") else conjugated(verb, tense, plural)
    words = form if not adverb else f"{adverb} {form}" if tense != "future" else f"will {adverb} {verb}"
    meaning = infinitive[1] if infinitive and to_do else verb
    if verb == "end" and not re.match(r"up with\b", tail):
        return None
    return Final(body, kind, noun, subject, meaning, tense, needed, f"{head} that", f"{words} {tail}".strip(), tail)


_MONEY_VERBS = {
    "spend", "pay", "earn", "save", "owe", "make", "raise", "have", "need", "get", "receive", "lose", "donate",
    "charge", "collect", "give", "keep", "win", "contribute", "put",
}  # fmt: skip


def _money(body: str, ask: str, suffix: str, text: str) -> Final | None:
    match = _MUCH.match(ask)
    if not match or "$" not in text:
        return None
    noun = match["noun"] or ""
    more = noun.startswith("more ")
    noun = noun.removeprefix("more ").removeprefix("total ")
    cost = re.match(
        r"^(?P<what>(?:the|his|her|their) [a-z ]+?|[A-Z][a-z]+'s [a-z ]+?) cost(?P<tail>.*)$", match["rest"]
    )
    if not noun and cost and match["aux"] in ("does", "do", "did", "will"):
        tail = _tail(cost["tail"], suffix)
        if tail is None or tail:
            return None
        tense = {"did": "past", "will": "future"}.get(match["aux"], "present")
        return Final(body, "money", "money", "", "cost", tense, False, f"the cost of {cost['what']}", "", "")
    single = re.match(r"^(?:each|one|a single|every) (?P<what>[a-z]+(?: [a-z]+)?) cost$", match["rest"])
    if not noun and single and match["aux"] in ("does", "did", "will") and not suffix:
        tense = {"did": "past", "will": "future"}.get(match["aux"], "present")
        return Final(
            body, "unit price", single["what"], "", "cost", tense, False, f"the price of one {single['what']}", "", ""
        )
    it = re.match(r"^it cost (?P<tail>(?:(?:him|her|them) )?(?:to|for) .*)$", match["rest"])
    if not noun and it and match["aux"] in ("does", "did", "will", "would"):
        tail = _tail(it["tail"], suffix)
        tense = {"did": "past", "will": "future", "would": "future"}.get(match["aux"], "present")
        if tail is None:
            return None
        head = f"the money that it {conjugated('cost', tense, False)} {tail}"
        return Final(body, "money", "money", "", "cost", tense, False, head, "", "")
    found = _clause(body, "money", "money", f"the {noun or 'money'}", match["aux"], match["rest"], suffix, more)
    if found is None or found.verb not in _MONEY_VERBS:
        return None
    if not noun and found.verb in ("have", "need", "give", "get", "keep", "put", "collect"):
        return found if found.verb == "have" and found.tail.startswith("left") else None
    return found


def _what(body: str, ask: str, word: str) -> Final | None:
    match = _WHAT.match(ask)
    tail = _tail(match["tail"], "") if match else None
    if not match or tail is None:
        return None
    tense = "past" if word == "what was" else "present"
    if match["of"]:
        noun = _noun(match["of"])
        if noun is None:
            return None
        return Final(body, "count", noun, "", "", tense, False, f"the {noun} {tail}".strip(), "", tail)
    head = f"the total {match['noun']} {tail}".strip()
    return Final(body, "money", "money", "", "cost" if match["noun"] in ("cost", "price", "bill") else "", tense,
                 False, head, "", tail)  # fmt: skip


def _age(body: str, ask: str) -> Final | None:
    match = _OLD.match(ask)
    if not match or match["aux"] == "was":
        return None
    return Final(body, "age", "years", "", "be", "present", False, f"{match['who']}'s age", "", "")
