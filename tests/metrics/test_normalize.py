# ruff: noqa: E501, RUF001 -- the examples are long and contain signs that look like others
"""Tests of the lenient view: unambiguous responses become strict, others stay, and no equation is invented."""

import ast
import random
import re
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arith_puzzle.metrics.arith_puzzle_verifier import normalize as module
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import FORM_FAULTS, aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import MAX_LENIENT_CHARS, normalize, verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import parse_equation, verify

NUMBERS, TARGET = [3, 6, 7, 51, 58], 4
STRICT = "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"

BEYOND_DOUBT = {
    "spaces": "58 - 51 = 7\n6 - 7 = -1\n3 * -1 = -3\n-3 + 7 = 4",
    "spaces after signs": "58 - 51 = 7\n6 - 7 = - 1\n3 * - 1 = - 3\n- 3 + 7 = 4",
    "unicode signs": "58 − 51 = 7\r\n6 – 7 = −1\r\n3 × (−1) = −3\r\n−3 + 7 = 4\r\n",
    "full width": "５８－５１＝７\n６－７＝－１\n３＊（－１）＝－３\n－３＋７＝４",
    "strange blanks": "\ufeff58\u00a0-\u202f51\u2009=\t7\u20286-7=-1\x85\u200b3*-1=-3\v-3+7=4\f",
    "commas": "58-51=7,6-7=-1,3*-1=-3,-3+7=4",
    "commas and spaces": "58-51=7, 6-7=-1, 3*-1=-3, -3+7=4",
    "semicolons": "58-51=7;6-7=-1;3*-1=-3;-3+7=4",
    "arrows": "58-51=7 => 6-7=-1 -> 3*-1=-3 → -3+7=4",
    "and, then": "58-51=7 and 6-7=-1, then 3*-1=-3 and finally -3+7=4",
    "a label": "Answer:\n" + STRICT,
    "a label in the line": "Answer: 58-51=7, 6-7=-1, 3*-1=-3, -3+7=4.",
    "numbering": "1. 58 - 51 = 7\n2. 6 - 7 = -1\n3. 3 * -1 = -3\n4. -3 + 7 = 4",
    "numbering, brackets": "1) 58-51=7\n(2) 6-7=-1\n3) 3*-1=-3\n(4) (-3)+7=4",
    "steps": "Step 1: 58-51=7\nstep 2: 6-7=-1\nStep 3. 3*-1=-3\nEquation 4: -3+7=4",
    "dashes": "- 58-51=7\n- 6-7=-1\n- 3*-1=-3\n- -3+7=4",
    "dashes and steps": "- Step 1: 58-51=7\n- Step 2: 6-7=-1\n- Step 3: 3*-1=-3\n- Step 4: -3+7=4",
    "stars": "* 58-51=7\n* 6-7=-1\n* 3*-1=-3\n* -3+7=4",
    "bullets": "• 58-51=7\n• 6-7=-1\n• 3*-1=-3\n• -3+7=4",
    "fence": "```\n" + STRICT + "\n```",
    "fence and words": "Here you go:\n```python\n" + STRICT + "\n```\nThe target 4 is reached!",
    "backticks": "`58-51=7`\n`6-7=-1`\n`3*-1=-3`\n`-3+7=4`",
    "dollars": "$58 - 51 = 7$\n$6 - 7 = -1$\n$3 \\times (-1) = -3$\n$$-3 + 7 = 4$$",
    "latex": "\\[58 - 51 = 7\\]\n\\(6 - 7 = -1\\)\n\\[3 \\cdot -1 = -3\\]\n\\[\\boxed{-3 + 7 = 4}\\]",
    "align": "\\begin{align*}\n58 - 51 &= 7 \\\\\n6 - 7 &= -1 \\\\\n3 \\times -1 &= -3 \\\\\n-3 + 7 &= 4\n\\end{align*}",
    "bold": "**58-51=7**\n**6-7=-1**\n__3*-1=-3__\n**-3+7=4**",
    "bold labels": "**Step 1:** 58 - 51 = 7\n**Step 2:** 6 - 7 = -1\n**Step 3:** 3 x -1 = -3\n**Step 4:** -3 + 7 = **4**",
    "comments": "First, 58 - 51 = 7 (left: 3, 6, 7, 7).\nThen 6 - 7 = -1 [3, 7, -1]\nSo 3 X -1 = -3 # two left\n-3 + 7 = 4 ✓",
    "thoughts": "<think>2+3=5? no, 5*7 = 35 = bad</think>\n" + STRICT,
    "tags": "<answer>" + STRICT + "</answer>",
    "table": "| n | equation |\n|---|---|\n| 1 | 58-51=7 |\n| 2 | 6-7=-1 |\n| 3 | 3*-1=-3 |\n| 4 | -3+7=4 |",
    "quote": "> 58-51=7\n> 6-7=-1\n> 3*-1=-3\n> -3+7=4",
    "headings": "# Solution\n## 58-51=7\n## 6-7=-1\n## 3*-1=-3\n## -3+7=4",
    "escapes": "58\\-51=7\n6-7\\=-1\n3\\*-1 = -3\n\\-3\\+7=4",
    "escaped list": "1\\. 58-51=7\n2\\. 6-7=-1\n3\\. 3*-1=-3\n4\\. -3+7=4",
    "entities": "58 &minus; 51 = 7<br>6&minus;7=&minus;1<br>3 &times; &minus;1 = &#8722;3<br>&minus;3+7=4",
    "a list of strings": '["58-51=7", "6-7=-1", "3*-1=-3", "-3+7=4"]',
    "a list of Python": "['58-51=7', '6-7=-1', '3*-1=-3', '-3+7=4']",
    "a list": "[58-51=7, 6-7=-1, 3*-1=-3, -3+7=4]",
    **{f"begins with {mark}": f"{mark}\n\n{STRICT}" for mark in module.BEGINNINGS},
    **{f"ends with {mark}": f"{STRICT}{mark}" for mark in module.ENDS},
    **{f"goes on after {mark}": f"{STRICT}\n{mark}\n2+3=5\n4 + 5 = 9" for mark in module.ENDS},
    "a whole turn": f"<|im_start|>assistant\n<think>\n2+3=5\n</think>\n\n{STRICT}<|im_end|>\n<|im_start|>user\n1+1=2",
}  # fmt: skip

IN_DOUBT = [
    "2+3*4=14", "(58-51)*3=21", "58-51=7-6=1", "2**3=8", "2 ** 3 = 8", "2***3=8", "2^3+1=9", "7/2=3.5", "1.58-51=7",
    "6:3+4=7", "6:3=2", "58-51=7,600-7=593", "T=4\n2+3=5", "5+3=8 = 8", "2+3=1+4", "- 3 + 7 = 4", "3 times 58-51=7",
    "58-51=7 times 3", "sqrt 4+5=9", "√4+5=9", "58-51=7!", "58-51=7%", "a58-51=7", "2+3=5x", "2(3+4=7)", "2+3=5 (3)",
    "58-51=7 -6-7=-13", "(1)+(2)=(3)(4)+(5)=(9)", "58-51≈7\n2+3=5", "12 34-5=6", "58–51=7 – 6–7=–1", "½+3=4",
    "٣+2=5", "2++3=5", "2+3==5", "2+3=5 < 6", "2+|-3+4=7", "5'3+4=7", "4!+2=26", "2+3=5e3", "2+3=5 0", "2^-3+7=4",
    "1,20+3=123", "1,2,3-1=2", "58-51=\n7", "", " ", "\n", "Nothing to see.", "(3+7)*2", "42",
]  # fmt: skip


@pytest.mark.parametrize("response", BEYOND_DOUBT.values(), ids=BEYOND_DOUBT)
def test_beyond_doubt(response):
    assert normalize(response) == STRICT
    assert not verify(NUMBERS, TARGET, response).correct


@pytest.mark.parametrize("response", IN_DOUBT)
def test_in_doubt(response):
    assert normalize(response) == response
    assert normalize(f"58-51=7\n{response}\n6 - 7 = -1") in (
        f"58-51=7\n{response}\n6 - 7 = -1",
        # A line without an equation is prose. A dash is a sign if other lines have none.
        *(["58-51=7\n6-7=-1"] if "=" not in response and "≈" not in response else []),
        *(["58-51=7\n-3+7=4\n6-7=-1"] if response.startswith("- ") else []),
    )


@pytest.mark.parametrize(
    ("response", "strict"),
    [
        ("1,200-200=1,000", "1200-200=1000"),
        ("$1{,}200 - 200 = 1{,}000$", "1200-200=1000"),
        ("$\\frac{6}{3} = 2$", "6/3=2"),
        ("6 ÷ 3 = 2", "6/3=2"),
        ("58-51=7 6-7=-1", "58-51=7\n6-7=-1"),
        ("07 + 1 = 8", "07+1=8"),
        ("2 + 3 = 6", "2+3=6"),
    ],
)
def test_single_rules(response, strict):
    assert normalize(response) == strict


CHANGED = [
    "{} squared", "{}, squared", "{}\nsquared", "{} percent", "{} and a half", "{} and 1/2", "{} halves", "{} thousand", "{} dozen",
    "{}\n*4", "{}\n/4", "{}\n+ 4", "4 *\n{}", "4 times\n{}", "(4 -\n{})", "{}\n4", "{} to the third", "{} cubed", "{}, then times 4",
    "{} divided by 4", "{} by 4", "{} x", "{} e", "{}\ntimes four", "twice {}", "half of {}", "the negative of {}", "log {}", "3 to the {}",
    "the reciprocal of {}", "raise 3 to {}", "a third of {}", "about {}", "minus ${}$", "-${}$", "$-${}", "-`{}`", "-\\text{{{}}}",
    "not {}", "{}, not", "{} is wrong", "{} (wrong)", "{} doesn't work", "{} doesn’t work", "I could not find it: {}", "No: {}", "{}\nThis is incorrect.",
    "Never {}", "{}?", "{} or so", "{} or 6", "maybe {}", "❌ {}", "{} ❌", "✗ {}", "{} ✘", "~~{}~~", "except {}", "The answer is not {}",
    "The answer is not\n{}", "Nobody says {}", "{} would be nonsense", "Wait. {}", "{} apples",
    "{}\nActually no", "{}\nRather something else", "{}; times 4", "{}. Then multiply by 4.", "{}\nThen subtract 4", "sin\n{}", "log\n{}", "{}\nfour",
    "{} i", "{} but we need one more", "{} would work", "{} k", "<del>{}</del>", "{}<sup>2</sup>", "\\cancel{{{}}}", "\\lfloor {} \\rfloor", "Example: {}", "Guess: {}", "Bogus: {}", "{}, not so sure",
    "If {}", "Suppose {}", "½ {}", "{}½", "({})²", "{} in base 6", "{} → times 4", "{} \\\\ \\times 4", "{}\n\\times 4", "sqrt {}", "√{}",
]  # fmt: skip
"""Texts that change an answer, take it back or leave it unclear."""


@pytest.mark.parametrize("text", CHANGED)
def test_words_and_signs_beside_an_answer_make_it_unreadable(text):
    for form, answers in (("equations", ["2+3=5", "2 + 3 = 5"]), ("expression", ["2+3", "(2+3)", "2+3=5", "6/3"])):
        for answer in answers:
            response = text.format(answer)
            assert normalize(response, form=form) == response, form
    for response in (text.format("\\boxed{2+3}"), f"So \\[{text.format('$2+3$')}\\]"):
        judged = verify_lenient([2, 3], 5, response, form="expression")
        assert not judged.correct, response


@pytest.mark.parametrize(
    "text",
    ["{}", "Answer: {}", "The final answer is {}.", "So we get {}.", "Using 2 and 3, I get {}", "Let me add the two: {}", "{} is the answer.",
     "Solution:\n{}\nDone", "{}, which is the target 5.", "{} # two left",
     "First, {}. That is all.", "Third, {}", "Here is the solution:\n\n```\n{}\n```\n\nIt uses each number once.", "$${}$$", "We have {}",
     "1. {}", "> {}", "To reach 5, I can use: {}", "One possible solution is: {}", "Step 2: {}", "Sure!\n\n{}\n\nGood luck!", "Therefore, the expression that reaches 5 is {}.", "<answer>{}</answer>", "2, 3\n\n{}\n---"],
)  # fmt: skip
def test_plain_words_beside_an_answer_leave_it(text):
    assert normalize(text.format("2 + 3 = 5")) == "2+3=5"
    assert normalize(text.format("2 + 3 = 5"), form="expression") == "2+3"
    assert normalize(text.format("2+3"), form="expression") == "2+3"
    assert normalize(text.format("\\boxed{2+3}"), form="expression") == "2+3"


def test_what_is_wrong_stays_wrong():
    pair = {"numbers": [2, 3], "target": 5}
    result = aggregate(["2 + 3 = 6", "2 + 3 = 5", "2+3=5", "**2+3=5** and 2+3=5"], [pair] * 4)
    assert (result["pass@1"], result["pass@1_lenient"]) == (0.25, 0.5)


SIGNS = {"*": ["*", "×", "⋅", "\\times ", "\\cdot "], "/": ["/", "÷", "\\div "], "-": ["-", "−", "–"], "+": ["+"]}
WRAPS = [("", ""), ("$", "$"), ("`", "`"), ("**", "**"), ("\\(", "\\)"), ("Then ", "."), ("  ", "\t"), ("| ", " |")]


def _dressed(rng: random.Random, equations) -> str:
    """Write the equations in a random style that the rules resolve: markup around each line and one kind of list."""
    style = rng.choice(["{}", "{}. ", "{}) ", "Step {}: ", "* ", "• ", "> "])
    lines = []
    for at, (a, op, b, c) in enumerate(equations, 1):
        space = rng.choice(["", " ", "  ", "\u00a0"])
        sign, minus = rng.choice(SIGNS[op]), rng.choice("-−")
        a, b, c = (str(value).replace("-", minus) for value in (a, b, c))
        b = f"({b})" if rng.random() < 0.3 else b
        left, right = rng.choice(WRAPS)
        label = "" if style == "{}" else style.format(at)
        lines.append(f"{label}{left}{a}{space}{sign}{space}{b}{space}={space}{c}{right}")
    return rng.choice(["", "Answer:\n", "```\n", "I found it.\n\n"]) + rng.choice(["\n", "\r\n", "\n\n"]).join(lines)


@given(
    st.lists(
        st.tuples(st.integers(-99, 999), st.sampled_from("+-*/"), st.integers(-99, 999), st.integers(-99, 9999)),
        min_size=1,
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=500, deadline=None)
def test_dress_comes_off(equations, rng):
    strict = "\n".join(f"{a}{op}{b}={c}" for a, op, b, c in equations)
    assert normalize(strict) == strict
    assert normalize(_dressed(rng, equations)) == strict


PIECES = st.sampled_from(
    ["58", "-", "51", "=", "7", "+", "*", "/", " ", "\n", "(", ")", ",", ".", ";", "1,200", "- ", "**", "x", "$", "`",
     "\\times", "\\frac{6}{3}", "{", "}", "Step 1: ", "1. ", "</think>", "<b>", "->", "=>", "and", "times", "|", "–",
     "２", "٣", "\ud800", "__", "#", ">", "2+3=5", "6 - 7 = -1", "-3+7=4", "\\\\", "&", "\\[", "%", "!", "'"]
)  # fmt: skip
NEAR = st.lists(PIECES, max_size=14).map("".join)


@given(st.text() | NEAR)
@settings(max_examples=2000, deadline=None)
@example("07+1=8")
@example("- 07+-0=8\n- 1+1=2")
def test_once_is_enough_and_nothing_is_made_up(response):
    result = normalize(response)
    assert normalize(result) == result
    if result == response:
        return
    lines = result.split("\n")
    assert all(re.fullmatch(r"-?[0-9]+[-+*/]-?[0-9]+=-?[0-9]+", line) for line in lines)
    # No equation is dropped or added: there are as many lines as equal signs after </think>, without arrows.
    said = response.rpartition("</think>")[2].translate({0xFF1D: "="})
    assert len(lines) == re.sub(r"[-=]+>", " ", said).count("=")
    # Every digit comes from the response, in this order.
    digits = iter(re.sub(r"[^0-9]", "", "".join(map(_ascii_digit, said))))
    assert all(digit in digits for digit in re.sub(r"[^0-9]", "", result))


def _ascii_digit(character: str) -> str:
    return chr(ord(character) - 0xFF10 + 48) if "\uff10" <= character <= "\uff19" else character


@given(st.text("0123456789+-*/=\n", max_size=60) | NEAR)
@settings(max_examples=1000, deadline=None)
def test_a_response_in_strict_form_is_left_alone(response):
    """So aggregate need not normalize a response without a fault of form."""
    if verify([2, 3], 5, response).reason not in FORM_FAULTS:
        assert normalize(response) == response


@pytest.mark.parametrize(
    "piece",
    ["9", "-", "=>", "1+1=2\n", "1,111", "**", "\\frac{", "1+", "(", " ", "- 1=\n", "\\", "1 x ", "__", "1+1=2 ", "#",
     "1) ", "</think>", "a", "<a", "- 1", "(1", "1+1=2,", "*", "{,}", "- 1+1=2\n", "`", "\ud800", "\x00", "times ", "and ", "a, ", "(a ", "n't", "? ", "#", "2, 3", "1+1=2 so "],
)  # fmt: skip
def test_the_worst_responses_take_linear_time(piece):
    start = time.thread_time()
    normalize((piece * MAX_LENIENT_CHARS)[:MAX_LENIENT_CHARS])
    normalize((piece * MAX_LENIENT_CHARS)[: MAX_LENIENT_CHARS - 9] + "=1 + 1 = 2")
    normalize(piece * (10_000_000 // len(piece)))
    assert time.thread_time() - start < 10  # of this thread; takes up to 1 s, a quadratic algorithm minutes


def test_the_bound_is_the_stated_one():
    padded = " " * (MAX_LENIENT_CHARS - 5) + "2+3=5"
    assert normalize(padded) == "2+3=5"
    assert normalize(" " + padded) == " " + padded


@pytest.mark.parametrize("file", ["normalize.py", "prose.py"])
def test_standard_library_and_siblings_only(file):
    for node in ast.walk(ast.parse(Path(module.__file__).with_name(file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1 and node.module in ("verify", "prose")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "int", "__import__")


def test_parse_equation_reads_what_normalize_writes():
    assert all(map(parse_equation, normalize(BEYOND_DOUBT["align"]).split("\n")))


@pytest.mark.parametrize(
    "text",
    [
        "First I take 58 - 51 = 7.\nThen **6 \u2212 7 = -1**, and 3 \u00d7 (-1) = -3.\nFinally -3 + 7 = 4, which is the target.",
        "I take 58 - 51 = 7, then 6 - 7 = -1.\n3 \u00d7 (-1) = -3\nand **-3 + 7 = 4**",
        "We compute 58 - 51 = 7. Next comes 6 - 7 = -1; multiplying by 3 yields 3 * -1 = -3, leaving -3 + 7 = 4.",
    ],
)
def test_equations_in_sentences_are_read(text):
    """The first two are examples of the demo and of its tests."""
    assert normalize(text) == "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"


@pytest.mark.parametrize(
    "text",
    [
        "3+4=8", "3+4 = 100", "8 = 3+4", "3+4=7=8", "<answer>3+4=8</answer>",
        "<answer>3+4</answer> no wait, that is wrong", "7/2=4",
    ],
)  # fmt: skip
def test_an_expression_beside_another_value_is_unclear(text):
    assert normalize(text, form="expression") == text


@pytest.mark.parametrize("text", ["3+4=7", "7 = 3+4", "<answer>3+4 = 7</answer>. Done.", "14/2=7", "7/2=3"])
def test_an_expression_beside_its_value_is_read(text):
    assert normalize(text, form="expression") in ("3+4", "14/2", "7/2")  # 7/2 is 3 if quotients are truncated
