# ruff: noqa: RUF001, RUF002 -- the file handles signs that look like others
"""The lenient view: rewrite a response in the strict form if its meaning is unambiguous.

It serves models that are not trained on the format. It computes nothing, so a wrong equation stays wrong. It never
removes, adds or reorders an equation. The module imports only the standard library and its siblings. The rules, in
order:

1.  Return the response unchanged if it is already strict or has more than MAX_LENIENT_CHARS characters. Return it
    unchanged, too, if any part of it is ambiguous under the following rules.
2.  Drop everything before the last ``</think>``, the marks that begin a turn or a text (BEGINNINGS), and everything
    from the first mark that ends one (ENDS): the model itself marks it as not part of the answer. If there is an
    ``<answer>``, keep only what follows the last one, up to ``</answer>``. After a search trace, which has no
    letters and has lines such as ``2,3,5:24``, keep only what follows its marker, a line with a single ``:``.
3.  Signs: ``× ⋅ · ∗ ✕ ✖ \\times \\cdot \\ast`` become ``*``; ``÷ ∕ ⁄ \\div`` become ``/``; ``− – ‐ ‑ ‒ ﹣`` become
    ``-``; ``x`` or ``X`` between two numbers becomes ``*``; ``\\frac{6}{3}`` becomes ``6/3``; full-width forms become
    ASCII; Markdown's escapes (``\\*``) and HTML's entities (``&times;``) become the sign. Digits of other scripts stay.
4.  Lines: ``\\r\\n``, ``\\r``, other line and paragraph breaks, ``<br>`` and LaTeX's double backslash end a line.
    Arrows (``-> => → ⇒``) and semicolons separate equations. Any run of blanks becomes one space.
5.  Markup: drop code fences and backticks, ``$``, ``\\( \\) \\[ \\]``, ``\\begin{…}``, ``\\end{…}``,
    ``\\boxed{…}``, ``\\text{…}`` and ``\\left \\right``, ``&``, tags such as ``<answer>``, headings (``#``), quotes
    (``>``), ticks (``✓``), ``__``, and ``**``. Keep a ``**`` between two numbers, which may be a power.
6.  Lists: drop brackets around a line, ``1.``, ``1)``, ``(1)`` and ``Step 1:`` at the start of a line, and the bullets
    ``*``, ``+`` and ``•``. A ``- `` before an equation is a bullet if every line with an equation starts with it and
    there are two or more. It is a sign if only some of these lines start with it. It is ambiguous if there is only one
    such line.
7.  Numbers: drop brackets around a single number, ``3*(-1)``, and a blank after a sign, ``3 * - 1``. Commas are
    thousands separators, ``1,200-200=1,000``, if the line contains a single ``=`` and every group has three digits.
    Numbers stay otherwise: ``07`` stays, and stays malformed.
8.  Every ``number op number = number``, with any spacing, is an equation, if the text beside it cannot belong to it.
    These can belong to it: an operator, a digit, a letter without a space, a bracket, a point within a number, a
    ``%`` or ``!``, a word such as "times". Spaces, commas or words may separate several equations in one line.
9.  Prose: drop it if it contains none of ``= ≈ ≠ < >``. Otherwise (``2+3=1+4``, ``T = 4``) the response is ambiguous.
    It is ambiguous, too, if the text could change an equation or take it back: if the sentence of an equation has an
    unknown word or sign, if any line has a word such as "not" or "squared", or if a line without an equation begins or
    ends with an operator. ``prose`` has these rules.

With ``form="expression"`` the rules 1 to 5 are the same, and these follow:

6.  If there is a ``\\boxed{…}``, keep only the content of the last one. ``\\frac{…}{…}`` becomes ``((…)/(…))``.
7.  Labels are dropped as above, and a ``- `` before a bracket at the start of a line. A line that begins with ``=``
    continues the one before it.
8.  A run of numbers, operators and brackets with at least one operation is an expression. A value after it is dropped
    (``8/(3-8/3) = 24``, also in steps, ``(1+2)*3 = 3*3 = 9``), and a value before it (``24 = …``). Text beside it that
    could belong to it makes the response ambiguous, as in rule 9 above, and so does text beside a box.
9.  If lines begin with "Answer" or contain "answer is", only the last of them counts, and what follows it. All
    expressions that remain must be the same. If there is no expression, a response that is one number stays that
    number.

This module is long because both forms of answers share its steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from html import unescape

from .prose import INSTRUCTS, OPEN_END, apart, attached, broken, doubted
from .verify import MAX_RESPONSE_CHARS, NUMBER, Verdict, to_equations, verify

FORM_FAULTS = ("too_long", "illegal_characters", "malformed_equation", "malformed_expression")
"""The faults that ``normalize`` can remove. A response with any other reason is already in strict form."""

MAX_LENIENT_CHARS = 65_536
"""Longest response that ``normalize`` rewrites, in characters."""

BEGINNINGS = (
    "<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "<\uff5cbegin\u2581of\u2581sentence\uff5c>",
    "<|im_start|>assistant", "<|start_header_id|>assistant<|end_header_id|>", "<start_of_turn>model", "<|assistant|>",
    "<\uff5cAssistant\uff5c>", "<|start|>assistant<|channel|>final<|message|>",
)  # fmt: skip
"""Marks of common chat templates that begin a text or a model's turn."""
ENDS = (
    "</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>",
    "<|return|>", "<end_of_turn>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "[EOS]", "[/INST]", "<|im_start|>user",
    "<|user|>",
)  # fmt: skip
"""Marks that end a model's turn or a text."""

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
    (re.compile(r"\\([-*+=_#.>|~])"), r"\1"),
    (re.compile(r"\\(?:boxed|text|mathrm|mathbf)(?![a-zA-Z])"), ""),
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])"), ""),
    (re.compile(r"\\(?:quad|qquad)(?![a-zA-Z])|\\[()\[\],;:! ]|[${}]"), " "),
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});?")
_ANSWER = re.compile(r"<answer>", re.IGNORECASE)
_ANSWER_END = re.compile(r"</answer>", re.IGNORECASE)
_FRACTION = re.compile(r"\\[dt]?frac ?\{([^{}]*)\} ?\{([^{}]*)\}")
# A search trace: no letters, no marks, and a line such as 2,3,5:24.
_TRACE, _SEARCHED = re.compile(r"[-+*/=:,0-9\n]*"), re.compile(r"^-?[0-9]+(?:,-?[0-9]+)+:", re.MULTILINE)
_BEGINNING, _END = (re.compile("|".join(map(re.escape, marks))) for marks in (BEGINNINGS, ENDS))
_SIGNED = re.compile(r"^[^\w\n]*[-−–‐‑‒﹣－](?:[$`]|\\[(\[a-z])", re.MULTILINE)
_SETS_APART = re.compile(r"</?(?:del|strike|su[bp]|msu[bp]|msqrt|mroot|mfrac)\b", re.IGNORECASE)
"""Tags that change what is between them, such as deleted text; other tags are markup."""
_ARROW = re.compile(r"(?<![-=])[-=]{1,3}>")
_TAG = re.compile(r"</?[a-zA-Z]{1,20}>")
_BLANKS = re.compile(r"[^\S\n]+")
_BOLD = re.compile(r"(?<!\*)(?:(?<![0-9)])(?<![0-9)] )\*\*|\*\*(?!\*| ?[-+0-9(]))(?!\*)|(?<![^\W_])__|__(?![^\W_])")
_TIMES = re.compile(r"(?<=[0-9)]) ?[xX] ?(?=[-0-9(])")
_LABEL = re.compile(
    r"[>#]+ ?"  # quote, heading
    r"|(?:[+•●▪◦‣]|\*(?!\*)) ?"  # bullet
    r"|- (?![-0-9(])"  # dash before words; _resolve_dashes handles one before an equation
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
# What may precede an equation: nothing, or text whose end cannot be part of the equation.
_BEFORE_OK = re.compile(
    r"(?:\A|(?<![0-9])[:,] ?|[0-9][:,] |[.?!] |(?<![-+*/^(] )(?<![-+*/^(])\| |(?<![0-9])[\]\"'“”;>] ?|[^\W\d_] )\Z"
)
_AFTER_OK = re.compile(
    rf" ?(?:\Z|[,.;:?](?![0-9])|[\]|\"'“”])| [\[#]| (?!(?:{_WORDS})(?![^\W\d_]))[^\W\d_]{{2}}| ?\([^\W\d_]",
    re.IGNORECASE,
)

# The patterns of expressions.
_PLAIN = re.compile(r"[-0-9+*/()]+\n?")
_RUN = re.compile(r"[-0-9+*/()= ]+")
_OPERATION = re.compile(r"[0-9)] ?[-+*/] ?[0-9(]")
_VALUE = re.compile(r"\(?-? ?[0-9]+(?: ?/ ?[0-9]+)?\)?")
_SPLIT_NUMBER = re.compile(r"[0-9] +[0-9]")
_TOUCHES = re.compile(r"[\w.,^%!~√°]")
_STATED = re.compile(r"(?:final )?answer\b|.*\banswer is\b", re.IGNORECASE)
_OTHER_BEFORE = re.compile(r"[\[\]{}|√∛±⌈⌊•∙⨯➗] ?\Z")
_OTHER_AFTER = re.compile(r" ?(?:[\[\]{}|•∙⨯➗⌉⌋⁰¹²³⁻‰]|: ?[-0-9(\[])")
_CALL_BEFORE = re.compile(r"(?:\w ?[\[({]+|\belse ?)\Z")
_WORD_AFTER = re.compile(rf" ?(?:{_WORDS})(?![^\W\d_])", re.IGNORECASE)


def verify_lenient(
    numbers: Sequence[int],
    target: int,
    response: str,
    *,
    division: str = "exact",
    rule: str = "all",
    form: str = "equations",
) -> Verdict:
    """As ``verify``, but a response with a fault of form is judged after ``normalize``.

    Returns:
        The verdict. ``extracted`` is the text that was judged, or None if that is the response itself. Lines and
        columns are those of the judged text.
    """
    options = {"division": division, "rule": rule, "form": form}
    strict = verify(numbers, target, response, **options)
    if strict.reason not in FORM_FAULTS:
        return strict
    text = normalize(response, form=form)
    return strict if text == response else replace(verify(numbers, target, text, **options), extracted=text)


def normalize(response: str, *, form: str = "equations") -> str:
    """Rewrite a response in strict form: one equation per line, or one expression, without spaces.

    Time and memory are linear in the response. No string raises.

    Args:
        response: any string.
        form: "equations" or "expression", as in ``verify``.

    Returns:
        All equations of the response in their order, or its expression; or the response unchanged if it is ambiguous. A
        second call returns the same string.
    """
    answer = _said(response)
    if "<think>" in answer or _SETS_APART.search(answer):  # a thought that does not end, and no answer
        return response
    if len(response) <= MAX_LENIENT_CHARS and any(map(doubted, _ANSWER_END.split(_ANSWER.split(answer)[-1])[1:])):
        return response
    if form == "expression":
        return response if len(response) > MAX_LENIENT_CHARS else _expression(response) or response
    if len(response) > MAX_LENIENT_CHARS or _STRICT.fullmatch(response):
        return response
    lines = _resolve_dashes([line for line in map(_bare, _undress(response).split("\n")) if line])
    if lines is None or _SIGNED.search(answer):
        return response
    found = []
    for line in lines:
        equations = _equations(line)
        if equations is None:
            return response
        found.append(equations)
    if not any(found) or not _clear(lines, found):
        return response
    return "\n".join(equation for equations in found for equation in equations)


def _said(response: str) -> str:
    """What follows the last ``</think>``, and after a search trace what follows its marker."""
    text = response.rpartition("</think>")[2]
    trace, _, answer = text.rpartition("\n:\n")
    return answer if _SEARCHED.search(trace) and _TRACE.fullmatch(trace) else text


def _clear(lines: list[str], found: Sequence[list[str]]) -> bool:
    """Whether no line changes an answer of another one; ``found`` has the answers of each line."""
    last = max(at for at, answers in enumerate(found) if answers)
    rest = [_OPERATION.split(lines[last])[-1], *lines[last + 1 :]]
    if any(INSTRUCTS.search(line) for line in rest):
        return False
    for at, (line, answers) in enumerate(zip(lines, found, strict=True)):
        if doubted(line) or (not answers and broken(line)):
            return False
        if at and (answers or found[at - 1]) and attached(lines[at - 1], line, answers=bool(answers)):
            return False
    return True


def _undress(text: str) -> str:
    """Apply the rules 2 to 5, except for labels and bold."""
    text = _END.split(_said(text), maxsplit=1)[0].replace("\r\n", "\n")
    text = _ANSWER_END.split(_ANSWER.split(text)[-1], maxsplit=1)[0]
    text = _ENTITY.sub(lambda match: unescape(match[0]), _BEGINNING.sub("\n", text))
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    text = _TAG.sub(" ", _ARROW.sub(" ; ", text.translate(_SIGNS)))
    return _BLANKS.sub(" ", text)


def _bare(line: str) -> str:
    """Drop labels, bold and a list's brackets. Labels may precede the bold text and start it: ``1. **Step 1:**``."""
    line = line[1:-1] if line.startswith("[") and line.endswith("]") else line
    return _TIMES.sub("*", _strip_label(_BLANKS.sub(" ", _BOLD.sub(" ", _strip_label(line)))))


def _strip_label(line: str) -> str:
    """Drop blanks at both ends and up to three labels at the start, such as ``> 1. Step 1:``."""
    line = line.strip(" ")
    for _ in range(3):
        label = _LABEL.match(line)
        if not label:
            break
        line = line[label.end() :].lstrip(" ")
    return line


def _resolve_dashes(lines: list[str]) -> list[str] | None:
    """Decide whether ``- `` before an equation is a bullet or a sign (rule 6). Return None if it is ambiguous."""
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
    """The equations of a line: [] for prose without equations, None if the line is ambiguous."""
    if line.count("=") == 1:
        line = _GROUPED.sub(lambda match: match[1].replace(",", ""), line)
    found: list[str] = []
    end = 0
    for match in _EQUATION.finditer(line):
        if not _apart(line[end : match.start()], first=not found, equation=match[0]):
            return None
        found.append("".join(match.groups()[:3]).translate(_DROPPED) + "=" + match[4].translate(_DROPPED))
        end = match.end()
    tail = line[end:]
    if _COMPARES.search(tail) or (found and not (_AFTER_OK.match(tail) and apart("", tail, value=True))):
        return None
    return found


def _apart(gap: str, *, first: bool, equation: str) -> bool:
    """Whether the text between two equations can belong to neither of them."""
    if _COMPARES.search(gap):
        return False
    if not first and gap in ("", " ", ","):
        # "7 (6+1" may be a product, "7,600-7" a thousands separator, and "7 -6" a difference
        return (gap == " " and equation[0] not in "-(") or (gap == "," and not _THOUSANDS.match(equation))
    if (equation.startswith("- ") and gap) or _WORD_BEFORE.search(gap[-30:]):
        return False
    if not _BEFORE_OK.search(gap[-4:]) or not apart(gap, "" if first else gap, value=True):
        return False
    return first or bool(_AFTER_OK.match(gap))


def _expression(response: str) -> str | None:
    """The one expression of a response, without spaces; None if there is none or more than one."""
    if _PLAIN.fullmatch(response):
        return response
    text = _END.split(_said(response), maxsplit=1)[0]
    boxed = _boxed(_ANSWER_END.split(_ANSWER.split(text)[-1], maxsplit=1)[0])
    if boxed is None or _SIGNED.search(boxed):
        return None
    text = boxed
    for _ in range(8):  # from the inner fractions to the outer ones
        text, changed = _FRACTION.subn(r"((\1)/(\2))", text)
        if not changed:
            break
    lines: list[str] = []
    for line in filter(None, map(_bare, _undress(text).split("\n"))):
        if lines and line.startswith("="):
            lines[-1] += f" {line}"
        else:
            lines.append(re.sub(r"\A- (?=\()", "", line))
    stated = [at for at, line in enumerate(lines) if _STATED.match(line) and _OPERATION.search(line)]
    lines = lines[stated[-1] :] if stated else lines
    found = []
    for line in lines[:1] if stated else lines:
        expressions = _expressions(_GROUPED.sub(lambda match: match[1].replace(",", ""), line))
        if expressions is None:
            return None
        found.append(expressions)
    different = {text for expressions in found for text in expressions}
    if not different and len(lines) == 1 and re.fullmatch(NUMBER, lines[0]):
        return lines[0]
    found += [[line] if _OPERATION.search(line) else [] for line in lines[len(found) :]]
    return different.pop() if len(different) == 1 and _clear(lines, found) else None


def _boxed(text: str) -> str | None:
    """The content of the last ``\\boxed{…}``, or None if the text beside it could change it.

    It is the text itself if there is no box, or if its brace is not closed.
    """
    start = text.rfind("\\boxed{")
    if start < 0:
        return text
    depth, first = 1, start + len("\\boxed{")
    for at in range(first, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if not depth:
            before, after = text[:start].split("\n"), text[at + 1 :].split("\n")
            beside = re.sub(r"\A ?= ?-?[0-9]+(?![0-9])", "", _bare(_undress(after[0])))
            if not apart(_bare(_undress(before[-1])), beside, value=False):
                return None
            near = [next(filter(None, map(_bare, map(_undress, side))), "") for side in (reversed(before), after)]
            goes_on = OPEN_END.search(near[0]) or attached(near[0], near[1]) or (not beside and broken(near[1]))
            goes_on = goes_on or any(INSTRUCTS.search(_undress(line)) for line in after)
            return None if goes_on or doubted(near[0]) or doubted(near[1]) else text[first:at]
    return text


def _contradicted(text: str, values: Sequence[str]) -> bool:
    """Whether an expression has another value than those that are stated beside it, by any division."""
    for division in ("rational", "integer") if values and len(text) <= MAX_RESPONSE_CHARS else ():
        try:
            value = to_equations(text, division=division)[-1][3]
        except (ValueError, IndexError):  # then it is no answer, and ``verify`` says why
            return False
        with suppress(ZeroDivisionError):
            if all(Fraction(re.sub("[ ()]", "", stated)) == value for stated in values):
                return False
    return bool(values) and len(text) <= MAX_RESPONSE_CHARS


def _expressions(line: str) -> list[str] | None:
    """The expressions of a line: [] for prose without any, None if the line is ambiguous."""
    found: list[str] = []
    end = 0
    for run in _RUN.finditer(line):
        parts = [part.strip(" ") for part in run[0].split("=")]
        works = [bool(_OPERATION.search(part)) for part in parts]
        if not any(works):
            continue
        before, after = line[end : run.start()], line[run.end() : run.end() + 30]
        begins = run[0][0] != " " and _TOUCHES.match(before[-1:])
        ends = (run[0][-1] != " " and re.match(r"\w|[.,][0-9]", after)) or re.match(r"[\^%~√°]|\|\S", after)
        if _OTHER_BEFORE.search(before[-2:]) or _OTHER_AFTER.match(after):
            return None
        beside = _WORD_BEFORE.search(before[-30:]) or _WORD_AFTER.match(after) or _CALL_BEFORE.search(before[-30:])
        if begins or ends or beside or re.match(r" ?!?[=≈≠≤≥<>≡]", after) or (len(parts) == 1 and after[:1] == "!"):
            return None
        if not apart(before, before if found else "", value=False):
            return None
        if works[0] and all(work or _VALUE.fullmatch(part) for work, part in zip(works, parts, strict=True)):
            text = parts[0]
        elif works == [False, True] and _VALUE.fullmatch(parts[0]):
            text = parts[1]
        else:
            return None
        values = [part for part, work in zip(parts, works, strict=True) if not work]
        if _SPLIT_NUMBER.search(text) or _contradicted(text.replace(" ", ""), values):
            return None
        found.append(text.replace(" ", ""))
        end = run.end()
    return found if not found or apart("", line[end:], value=False) else None
