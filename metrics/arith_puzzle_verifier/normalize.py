# ruff: noqa: RUF001, RUF002 -- signs that look like others are this file's subject
"""The lenient view: a response in the strict form, where what it says is beyond doubt.

For models that were not trained on the format. Standard library only; nothing is computed, so an equation
that is wrong stays wrong, and none is ever left out, added or put in another order. The rules, in order:

1.  A response that is already strict, of more than MAX_LENIENT_CHARS characters, or not resolved by what
    follows is returned as it is. The last is so for the whole response as soon as one place is in doubt.
2.  What comes before the last ``</think>`` is dropped: the model itself marks it as no part of the answer.
3.  Signs: ``× ⋅ · ∗ ✕ ✖ \\times \\cdot \\ast`` are ``*``; ``÷ ∕ ⁄ \\div`` are ``/``; ``− – ‐ ‑ ‒ ﹣`` are ``-``;
    ``x`` or ``X`` between two numbers is ``*``; ``\\frac{6}{3}`` is ``6/3``; full-width forms are their ASCII
    twins. Digits of other scripts are left alone.
4.  Lines: ``\\r\\n``, ``\\r``, other line and paragraph breaks, ``<br>`` and LaTeX's double backslash end a line.
    Arrows (``-> => → ⇒``) and semicolons separate. Blanks of any kind and width are one space.
5.  Dress is taken off: code fences and backticks, ``$``, ``\\( \\) \\[ \\]``, ``\\begin{…}``, ``\\end{…}``,
    ``\\boxed{…}``, ``\\text{…}`` and ``\\left \\right``, ``&``, tags such as ``<answer>``, headings (``#``), quotes
    (``>``), ticks (``✓``), ``__``, and ``**`` where it does not stand between two numbers (a power, perhaps).
6.  Lists: ``1.``, ``1)``, ``(1)`` and ``Step 1:`` at the start of a line, and the bullets ``*``, ``+`` and ``•``.
    A ``- `` before an equation is a bullet if all lines with equations, two at least, begin so; it is a sign
    if only some do; of a single line it is in doubt.
7.  Numbers: brackets round a single number are dropped, ``3*(-1)``; so is a blank after a sign, ``3 * - 1``.
    Commas are thousands separators, ``1,200-200=1,000``, where the line holds a single ``=`` and every group
    has three digits. Numbers are not rewritten otherwise: ``07`` stays, and stays malformed.
8.  Every ``number op number = number``, in any spacing, is an equation, if what stands beside it cannot belong
    to it: an operator, a digit, a letter without a space, a bracket, a point within a number, a ``%`` or ``!``,
    a word such as "times". Several equations in a line may be separated by spaces, commas or words.
9.  Prose is dropped where it holds no ``= ≈ ≠ < >``. Where it does (``2+3=1+4``, ``T = 4``), the response is in
    doubt.
"""

from __future__ import annotations

import re

from .verify import NUMBER

MAX_LENIENT_CHARS = 65_536
"""Longest response that is put into strict form, in characters."""

_STRICT = re.compile(rf"(?:{NUMBER}[-+*/]{NUMBER}={NUMBER}(?:\n(?!\Z)|\n?\Z))*")

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("×⋅·∗✕✖＊", "*"),
        **dict.fromkeys("÷∕⁄／", "/"),
        **dict.fromkeys("−–‐‑‒﹣－", "-"),
        **dict.fromkeys("＋﹢", "+"),
        **dict.fromkeys("＝﹦", "="),
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
        **dict.fromkeys("（", "("),
        **dict.fromkeys("）", ")"),
        **dict.fromkeys("，、", ", "),
        **dict.fromkeys("；;→⇒⟶➜", " ; "),
        **dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\ufe0f&`✓✔✅☑", " "),
    }
)
_LATEX = (
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])"), "/"),
    (re.compile(r"\\[dt]?frac ?\{ ?(-?[0-9]+) ?\} ?\{ ?(-?[0-9]+) ?\}"), r" \1/\2 "),
    (re.compile(r"(?<=[0-9])\{,\}(?=[0-9])"), ","),
    (re.compile(r"\\(?:begin|end) ?\{[a-zA-Z]{1,20}\*?\}"), "\n"),
    (re.compile(r"\\\\|<br ?/?>"), "\n"),
    (re.compile(r"\\(?:boxed|text|mathrm|mathbf)(?![a-zA-Z])"), ""),
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])"), ""),
    (re.compile(r"\\(?:quad|qquad)(?![a-zA-Z])|\\[()\[\],;:! ]|[${}]"), " "),
)
_ARROW = re.compile(r"(?<![-=])[-=]{1,3}>")
_TAG = re.compile(r"</?[a-zA-Z]{1,20}>")
_BLANKS = re.compile(r"[^\S\n]+")
_BOLD = re.compile(r"(?<!\*)(?:(?<![0-9)])(?<![0-9)] )\*\*|\*\*(?!\*| ?[-+0-9(]))(?!\*)|(?<![^\W_])__|__(?![^\W_])")
_TIMES = re.compile(r"(?<=[0-9)]) ?[xX] ?(?=[-0-9(])")
_LABEL = re.compile(
    r"[>#]+ ?"  # quote, heading
    r"|(?:[+•●▪◦‣]|\*(?!\*)) ?"  # bullet
    r"|- (?![-0-9(])"  # dash before words; before an equation see _resolve_dashes
    r"|(?:\(\d{1,3}\)|\d{1,3}\)) ?(?=[0-9(A-Za-z])"  # (1) and 1)
    r"|\d{1,3}[.)] (?=-?[0-9(A-Za-z]|\*\*[^ *])"  # 1. and 1) with a space
    r"|(?:step|equation|eq|line) ?\d{1,3} ?[:.)] ?",
    re.IGNORECASE | re.ASCII,
)
_THOUSANDS = re.compile(r"[0-9]{3}(?![0-9])")
_GROUPED = re.compile(r"(?<![0-9,.])([0-9]{1,3}(?:,[0-9]{3})+)(?![0-9,])")
_OPERAND = r"(?:(?<![0-9])(?:- ?)?[0-9]+|\( ?(?:- ?)?[0-9]+ ?\))"
_EQUATION = re.compile(rf"({_OPERAND}) ?([-+*/]) ?({_OPERAND}) ?= ?({_OPERAND})")
_DASHED = re.compile(r"- [-0-9(][^=]*=")
_DROPPED = str.maketrans("", "", " ()")

_COMPARES = re.compile(r"[=≈≠≤≥<>≡]")
_WORDS = "plus|minus|times|by|over|negative|mod|modulo|divided|multiplied|power|sqrt|root|square"
_WORD_BEFORE = re.compile(rf"(?<![^\W\d_])(?:{_WORDS}) ?\Z", re.IGNORECASE)
# What may stand before an equation: nothing, or text whose end cannot be part of the equation.
_BEFORE_OK = re.compile(
    r"(?:\A|(?<![0-9])[:,] ?|[0-9][:,] |[.?!] |(?<![-+*/^(] )(?<![-+*/^(])\| |(?<![0-9])[\]\"'“”;>] ?|[^\W\d_] )\Z"
)
_AFTER_OK = re.compile(
    rf" ?(?:\Z|[,.;:?](?![0-9])|[\]|\"'“”])| [\[#]| (?!(?:{_WORDS})(?![^\W\d_]))[^\W\d_]{{2}}| ?\([^\W\d_]",
    re.IGNORECASE,
)


def normalize(response: str) -> str:
    """The response as one equation a line, without spaces, or as it is where that is in doubt.

    Args:
        response: any text.

    Returns:
        The strict form of the equations in it, all of them and in their order. ``normalize`` of that is that
        again. Time and memory are linear in the response; nothing is raised on any string.
    """
    if len(response) > MAX_LENIENT_CHARS or _STRICT.fullmatch(response):
        return response
    lines = _resolve_dashes([line for line in map(_bare, _undress(response).split("\n")) if line])
    if lines is None:
        return response
    found = []
    for line in lines:
        equations = _equations(line)
        if equations is None:
            return response
        found += equations
    return "\n".join(found) if found else response


def _undress(text: str) -> str:
    text = text.rpartition("</think>")[2].replace("\r\n", "\n")
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    text = _TAG.sub(" ", _ARROW.sub(" ; ", text.translate(_SIGNS)))
    return _BLANKS.sub(" ", text)


def _bare(line: str) -> str:
    """Without labels, before and inside bold, as in ``1. **Step 1:**``."""
    return _TIMES.sub("*", _strip_label(_BLANKS.sub(" ", _BOLD.sub(" ", _strip_label(line)))))


def _strip_label(line: str) -> str:
    """Without blanks at the ends, and without up to three labels at the start, such as ``> 1. Step 1:``."""
    line = line.strip(" ")
    for _ in range(3):
        label = _LABEL.match(line)
        if not label:
            break
        line = line[label.end() :].lstrip(" ")
    return line


def _resolve_dashes(lines: list[str]) -> list[str] | None:
    """``- `` before an equation is a bullet, a sign, or in doubt (None): rule 6."""
    dashed = [line for line in lines if _DASHED.match(line)]
    if not dashed:
        return lines
    held = sum("=" in line for line in lines)
    if held == 1:
        return None
    if len(dashed) < held:
        return [f"-{line[2:]}" if _DASHED.match(line) else line for line in lines]
    return [_strip_label(line[2:]) if _DASHED.match(line) else line for line in lines]


def _equations(line: str) -> list[str] | None:
    """The equations of a line, [] for prose without any, None where there is doubt."""
    if line.count("=") == 1:
        line = _GROUPED.sub(lambda match: match[1].replace(",", ""), line)
    found, end = [], 0
    for match in _EQUATION.finditer(line):
        if not _apart(line[end : match.start()], first=not found, equation=match[0]):
            return None
        found.append("".join(match.groups()[:3]).translate(_DROPPED) + "=" + match[4].translate(_DROPPED))
        end = match.end()
    tail = line[end:]
    if _COMPARES.search(tail) or (found and not _AFTER_OK.match(tail)):
        return None
    return found


def _apart(gap: str, *, first: bool, equation: str) -> bool:
    """Can the text between the equation before and this one belong to neither?"""
    if _COMPARES.search(gap):
        return False
    if not first and gap in ("", " ", ","):
        # a space is no sign of a product, a comma none of thousands, and "7 -6" is a difference
        return (gap == " " and equation[0] not in "-(") or (gap == "," and not _THOUSANDS.match(equation))
    if (equation.startswith("- ") and gap) or _WORD_BEFORE.search(gap[-30:]):
        return False
    if not _BEFORE_OK.search(gap[-4:]):
        return False
    return first or bool(_AFTER_OK.match(gap))
