# ruff: noqa: RUF001 -- the file handles signs that look like others
"""What may stand beside an answer so that it stays clear: words and signs for the lenient view (``normalize``).

A word can change an answer (``(2+3) squared``, ``5 percent``) or take it back (``not 2+3``), and nobody can list all
such words. So the words in the sentence of an answer must be known ones, which say nothing about it (PLAIN). In the
rest of the response only words that certainly doubt or change an answer (DOUBTS) count. A line without words must be
an answer itself: ``*4`` alone may continue the line above. The module imports only the standard library.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PLAIN = _words(
    """a above according add added adding adds after again all also am an and answer are arithmetic as at be been
    before being below both build by calculate calculated calculating calculation can check checked checking
    checks combine combined combining complete completed completes compute computed computing correct create
    created current difference divide dividing division do does done each end ends equal equals equation equations
    every exact exactly expression final finally find finding finish first following follows for form formed
    forming found from further get gets getting give given gives giving goal good got great had has have having
    hence here how i in indeed integer integers is it its itself last leave leaves leaving left let let's line
    make makes making math me meet meets multiplication multiply multiplying my new next note now number numbers
    obtain obtained obtaining ok okay on once one ones only operand operands operation operations order other our
    pair perfect pool possible product puzzle puzzles quotient reach reached reaches reaching remain remaining
    remains result resulting results right same satisfies satisfy see sequence show shows simplify since so
    solution solutions solve solved solves solving start starting step steps subtract subtracting subtraction sum
    target that the their them then there therefore these they this those thus to together total two use used uses
    using valid value values verified verify we we've which will with work works write writing written yes yield
    yielding yields you your"""
)
"""Words that say nothing about the value of an answer, nor whether it is one."""
_SUMS = _words(
    """add added adding adds divide dividing division multiply multiplying multiplication subtract subtracting
    subtraction sum product difference quotient combine combined combining"""
)
_RESULTS = _words(
    """are be equation expression found get gets getting give gives giving got have is make makes making obtain
    obtained obtaining results solution answer show shows use we write written yield yielding yields"""
)
"""Words after which a number or a verb such as "add" further left does not belong to the answer."""
_OPEN = frozenset({"a", "an", "by", "each", "every", "of", "one", "to", "two", *_SUMS})
"""Words that take the answer beside them as their object."""
_NAMES = _words("""goal left leaves leaving number numbers reach reached reaches reaching target use uses using""")
"""Words after which a number in the text is no part of the answer."""
_VALUES = _words("""equals get gets give gives giving is make makes making yield yields yielding""")
"""Words after which the value of an expression may stand."""

_LABELS = PLAIN | _words(
    """approach big bigger biggest breakdown conclusion details easy explanation fifth fourth large larger largest
    method original plan process proof reasoning second seventh simple sixth small smaller smallest summary third three
    four five six seven verification way working"""
)
"""Words that a label before an answer may have, such as "Third step:"."""

DOUBTS = re.compile(
    r"(?<![^\W\d_])(?:not|no|nor|never|none|nope|neither|cannot|[a-z]{1,9}n['’]t|wrong\w*|incorrect\w*|false|invalid"
    r"|fail\w*|impossible|un(?:solvable|able|clear|sure|fortunately)|mistake\w*|errors?|oops|wait|reject\w*|discard\w*|except"
    r"|actually|instead|rather|sorry|apologi[sz]e|correct(?:ion|ed)|alternatively|otherwise|hmm|retry|redo"
    r"|squar\w+|cub(?:e|es|ed)|roots?|sqrt|twice|thrice|doubl\w+|tripl\w+|hal(?:f|ves|ved)|quarters?|percent\w*"
    r"|negative|negated|reciprocal|inverse|opposite|factorial|logarithm|thousands?|hundreds?|millions?|billions?|dozens?"
    r")(?![^\W\d_])",
    re.IGNORECASE,
)
"""Words that take an answer back or change it, wherever they stand."""
_CONTINUES = re.compile(
    r"(?:plus|minus|times|over|by|of|mod|modulo|divided|multiplied|raised|to the|power|and (?:a|an|-?[0-9])"
    r"|(?:two|three|four|five|six|seven|eight|nine|ten)\W*\Z)"
    r"(?![^\W\d_])",
    re.IGNORECASE,
)
_AND = re.compile(r"and (?=-?[0-9])", re.IGNORECASE)
_HEDGES = _words("about abs assume cos floor if ln log maybe nobody perhaps sin suppose tan")
"""Words before an equation after which it does not count."""
_AWAITS = re.compile(
    r"(?<![^\W\d_])(?:plus|minus|times|over|by|of|mod|modulo|the|to|a|an|absolute|power|sin|cos|tan|log|ln|exp|abs"
    r"|max|min|floor|ceil)[ :,]*\Z",
    re.IGNORECASE,
)
INSTRUCTS = re.compile(
    r"(?<![^\W\d_])(?:add|subtract|multipl(?:y|ied)|divided?|times|plus|minus|take away|raised?)(?![^\W\d_])",
    re.IGNORECASE,
)
"""Words that ask for one more operation, if they come after the last answer."""

_SENTENCE_END = re.compile(r"[.!](?:[\"'”)\]]* |[\"'”)\]]*\Z)|\|")
_SENTENCE_START = re.compile(r"[.!?;](?:[\"'”)\]]* |[\"'”)\]]*\Z)|\|")
_CLAUSE = re.compile(r"[,;](?= |\Z)")
_ASIDE = re.compile(r"[(\[#][^()\[\]#]*[)\]]?")
_COUNTED = re.compile(
    r"(?<![^\W\d_])(?:one|two|three|four|five|six|seven) (?=left|numbers?|remain|more|steps?)", re.IGNORECASE
)
_ORDINAL = re.compile(r" ?(?:second|third|fourth|fifth|sixth|seventh|eighth)(?:ly)?, ?", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|-?[0-9]+|[^\s\w.,:;!'\"“”‘’()\[\]|#>_-]")
_OPERATOR = "+-*/^=×÷√~%!"
OPEN_END = re.compile(r"[-+*/^=×÷(] *\Z")
"""An operator or an open bracket at the end of a line."""
_LETTER = re.compile(r" ?[a-z](?![\w'’])")
_HAS_LETTER = re.compile(r"[^\W\d_]")
_IDLE = re.compile(r"[\s.,:;'\"“”‘’|#>_()\[\]{}]*|[0-9]{1,3}[.)]|[-*_=~+|: ]{3,}|\[?[0-9]+(?:, ?-?[0-9]+)+\]?[.;]?")
"""Lines without words that say nothing: punctuation, the number of a list's item, rules, and lists of numbers."""


def doubted(text: str) -> bool:
    """Whether a line takes an answer back or changes it by a word."""
    return bool(DOUBTS.search(text))


def broken(line: str) -> bool:
    """Whether a line that holds no answer may be a part of one: it begins or ends with an operator, or has no word."""
    line = line.strip()
    if not _HAS_LETTER.search(line):
        return not _IDLE.fullmatch(line)
    return line[0] in "+*/^=×÷)%" or bool(OPEN_END.search(line))


def attached(line: str, other: str, *, answers: bool = False) -> bool:
    """Whether one of two neighbouring lines goes on in the other; ``answers``: the other has an answer of its own."""
    start = other.lstrip(" ")[:30]
    if answers:
        start = _AND.sub("", start)
    return bool(_AWAITS.search(line[-30:]) or _CONTINUES.match(start))


def apart(before: str, after: str, *, value: bool) -> bool:
    """Whether the text before and after an answer, in its line, leaves the answer as it is.

    Args:
        before, after: the text up to the line's ends, or to the next answers.
        value: whether the answer states its value, as an equation does.
    """
    starts = list(_SENTENCE_START.finditer(before))
    said = before[starts[-1].end() :] if starts else before
    end = _SENTENCE_END.search(after)
    if (end and after[: end.start()].rstrip().endswith("?")) or "?" in after[: end.start() if end else None]:
        return False
    label, colon, said = said.rpartition(":")
    if colon and _known(label, _LABELS) is None:
        return False
    after = after[: end.start()] if end else after
    if value:  # a word before an equation, or after a comma, does not change it
        after = _CLAUSE.split(after, maxsplit=1)[0]
    return _leads(_ORDINAL.sub(" ", said, count=1), value) and _follows(after, value)


def _known(text: str, words: frozenset[str] | None = PLAIN) -> list[str] | None:
    """The words, numbers and signs of a text without its asides; None if there is one that is not in ``words``."""
    text = _COUNTED.sub("", text)
    asides = _ASIDE.findall(text)
    tokens = _TOKEN.findall(_ASIDE.sub(" ", text).replace("’", "'").lower())
    for token in [*tokens, *(word for aside in asides for word in _TOKEN.findall(aside.lower()))]:
        unknown = token in _HEDGES or not token[0].isalpha() if words is None else token not in words
        if unknown and not token.lstrip("-").isdecimal() and token not in "()[]#":
            return None
    return tokens


def _leads(text: str, value: bool) -> bool:
    if text.rstrip()[-1:] in _OPERATOR and text.strip():
        return False
    tokens = _known(text, None if value else PLAIN)
    if tokens is None:
        return False
    for token in reversed(tokens):
        if token in _RESULTS:
            break
        if token in _SUMS or token.lstrip("-").isdecimal():
            return False
    return not tokens or tokens[-1] not in _OPEN


def _follows(text: str, value: bool) -> bool:
    if (text.lstrip()[:1] in _OPERATOR[:-1] and text.strip()) or _LETTER.match(text):
        return False
    tokens = _known(text)
    if tokens is None:
        return False
    names = _NAMES if value else _NAMES | _VALUES
    previous = ""
    for token in tokens:
        if token.lstrip("-").isdecimal() and previous not in names:
            return False
        previous = token
    return True
