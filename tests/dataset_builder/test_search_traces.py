"""Search traces, compared with a second implementation in plain Python and with a brute-force solver."""

import functools
import hashlib
import itertools
import re

import numpy as np
import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.generate import puzzles
from arith_puzzle.dataset_builder.puzzle import parse_puzzle
from arith_puzzle.dataset_builder.search_traces import (
    CONTEXT,
    SEARCH_BOUND,
    SEARCH_MARKER,
    searches,
)
from arith_puzzle.dataset_builder.search_walks import walks, within_reach
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

BOUND = 600
"""Bound on intermediate results: that of the dataset for V=60."""
OPERATE = {
    "-": lambda y, x: y - x,
    "+": lambda y, x: y + x,
    "*": lambda y, x: y * x if x != 1 and y * x <= SEARCH_BOUND else None,
    "/": lambda y, x: y // x if x > 1 and y <= SEARCH_BOUND and y % x == 0 else None,
}


def puzzle(numbers, target):
    return f"{','.join(map(str, numbers))}:{target}"


@functools.cache
def wanted(third, target):
    """What makes the target with ``third``: by brute force over all values, in the order of the five ways."""
    ways = [
        lambda v: v - third == target,
        lambda v: v + third == target or third - v == target,
        lambda v: third > 0 and v == target * third and v <= SEARCH_BOUND,
        lambda v: third > 1 and v * third == target <= SEARCH_BOUND,
        lambda v: v > 0 and target > 1 and v * target == third <= SEARCH_BOUND,
    ]
    reach = range(max(target + third, SEARCH_BOUND) + 1)
    return [v for way in ways for v in reach if way(v)]


def attempts(numbers):
    """The first equation of every attempt, as (y, op, x); None where there is none."""
    if len(numbers) == 3:
        return [None]
    pairs = list(dict.fromkeys(itertools.combinations(sorted(numbers, reverse=True), 2)))
    return [(y, op, x) for op in "-+*" for y, x in pairs if OPERATE[op](y, x) is not None]


def attempt(numbers, target, index):
    """(lines, equations) of an attempt; no equations where it fails."""
    pool, lines, equations = list(numbers), [], []
    while len(pool) > 3:
        x, y = pool[-2:]
        op = "+" if y < target else "-"
        if not equations:
            y, op, x = attempts(numbers)[index]
        value = OPERATE[op](y, x)
        equations.append(f"{y}{op}{x}={value}")
        pool.remove(y)
        pool.remove(x)
        pool = sorted([*pool, value])
        lines += [equations[-1], puzzle(pool, target)]
    for third, (y, x) in zip(pool, ((pool[2], pool[1]), (pool[2], pool[0]), (pool[1], pool[0])), strict=True):
        good, made = wanted(third, target), []
        for op in "-+*/":
            value = OPERATE[op](y, x)
            if value is None:
                continue
            made.append(value)
            if value in good:
                equations += [f"{y}{op}{x}={value}", last(value, third, target)]
                lines.append(f"{line(y, x, good, made)}:{equations[-1]}")
                return lines, equations
        lines.append(line(y, x, good, made))
    return lines, []


def line(y, x, good, made):
    return f"{y},{x}:{','.join(map(str, good))}:{','.join(map(str, made))}"


def last(value, third, target):
    """The equation of two numbers that comes closest to the target, the first of equals by - + * /."""
    y, x = max(value, third), min(value, third)
    ways = [("-", y - x), ("+", y + x)] + ([("*", y * x)] if y * x <= SEARCH_BOUND else [])
    ways += [("/", y // x)] if x and y <= SEARCH_BOUND and y % x == 0 else []
    op, c = min(ways, key=lambda way: abs(way[1] - target))
    return f"{y}{op}{x}={c}"


def check(numbers, target, prompt, text, *, whole=True):
    """Compare a search with the second implementation; returns (first attempt, last one, strays, equations or [])."""
    lines = (prompt + text).split("\n")
    cut = not whole and lines[-1] == ""
    if cut:
        lines.pop()
    assert lines.pop(0) == puzzle(numbers, target) and prompt.endswith("\n")
    first = index = strays = 0
    if prompt.count("\n") > 1:  # it begins later, with an equation that says where
        starts = [attempt(numbers, target, i)[0][0] for i in range(len(attempts(numbers)))]
        assert prompt == f"{puzzle(numbers, target)}\n{lines[0]}\n"
        first = index = starts.index(lines[0])
    while True:
        expected, equations = attempt(numbers, target, index)
        got, lines = lines[: len(expected)], lines[len(expected) :]
        at = next((i for i, (one, other) in enumerate(zip(got, expected, strict=False)) if one != other), None)
        if at is not None:
            pair, good, made, taken = got[at].split(":")
            assert f"{pair}:{good}:{made}" == expected[at][: len(got[at]) - len(taken) - 1] and not equations
            left = list(parse_puzzle(expected[2 * len(numbers) - 7])[0] if len(numbers) > 3 else numbers)
            for value in map(int, pair.split(",")):
                left.remove(value)
            assert taken == last(int(made.split(",")[-1]), left[0], target) and not taken.endswith(f"={target}")
            lines = got[at + 1 :] + lines
            strays += 1
        elif len(got) < len(expected):
            assert cut
            return first, index, strays, []
        elif equations:
            break
        if lines[:2] != ["", puzzle(numbers, target)]:
            assert cut and lines in ([], [""])
            return first, index, strays, []
        lines, index = lines[2:], index + 1
    if cut and not lines:
        return first, index, strays, []
    assert lines.pop(0) == SEARCH_MARKER
    assert lines == equations[: len(lines)] and (cut or len(lines) == len(equations))
    return first, index, strays, equations


@pytest.fixture(scope="module", params=[3, 4, 5, 6, 8])
def made(request):
    """(numbers, targets, rows) of 200 puzzles of N numbers."""
    n = request.param
    numbers, targets, _ = puzzles(("test-search",), 200, n, 60, BOUND, "train", unique=True)
    return numbers, targets, searches(numbers, targets), searches(numbers, targets, context=None)


def test_every_line_is_what_the_rule_says_and_the_answer_verifies(made):
    numbers, targets, *both = made
    strays = 0
    for context, (prompts, texts, found) in zip((CONTEXT, 999), both, strict=True):
        rows = zip(numbers.tolist(), targets.tolist(), prompts.to_pylist(), texts.to_pylist(), found, strict=True)
        for row, target, prompt, text, index in rows:
            if index < 0:
                assert prompt == text == ""
                assert not any(attempt(row, target, i)[1] for i in range(len(attempts(row))))
                continue
            first, at, strayed, equations = check(row, target, prompt, text)
            strays += strayed
            assert at == index and first == max(0, index - context)
            assert verify(row, target, "\n".join(equations)).correct
            assert text.endswith(f"\n{SEARCH_MARKER}\n" + "\n".join(equations))
    assert strays > 0 or numbers.shape[1] == 3


def can_reach(pool, target):
    """Brute force without negative numbers."""
    if len(pool) == 1:
        return pool[0] == target
    for i, j in itertools.combinations(range(len(pool)), 2):
        x, y = sorted((pool[i], pool[j]))
        values = {y - x, y + x, y * x if y * x <= SEARCH_BOUND else None}
        values.add(y // x if x and y <= SEARCH_BOUND and y % x == 0 else None)
        rest = [pool[k] for k in range(len(pool)) if k not in (i, j)]
        if any(can_reach([*rest, value], target) for value in values - {None}):
            return True
    return False


def test_three_numbers_are_tried_exhaustively():
    generator = np.random.Generator(np.random.Philox(5))
    numbers, targets = np.sort(generator.integers(1, 25, (1500, 3)), axis=1), generator.integers(1, 40, 1500)
    found = searches(numbers, targets)[2] >= 0
    truth = [can_reach(row, target) for row, target in zip(numbers.tolist(), targets.tolist(), strict=True)]
    assert found.tolist() == truth and 100 < sum(truth) < 1400


def test_a_search_is_a_function_of_the_puzzle(made):
    numbers, targets, (prompts, texts, found), _ = made
    order = np.random.Generator(np.random.Philox(7)).permutation(len(texts))
    again = searches(numbers[order], targets[order])
    assert again[0].to_pylist() == [prompts[i].as_py() for i in order]
    assert again[1].to_pylist() == [texts[i].as_py() for i in order] and (again[2] == found[order]).all()


def test_these_searches_stay_as_they_are():
    """The traces are training rows, so a change would change the models of the recipes."""
    digest = hashlib.sha256()
    for n in range(3, 9):
        numbers, targets, _ = puzzles(("golden-search",), 40, n, 60, BOUND, "train", unique=False)
        for column in searches(numbers, targets)[:2]:
            digest.update("\0".join(column.to_pylist()).encode())
    assert digest.hexdigest() == "a022c5ed3cdae80580c23197c8d19637f7d8e361af64ecdb31800f4054b85ec7"


def test_the_rule_finds_what_the_docstring_says():
    """The first attempt solves about half of the training puzzles, the first twelve solve nine in ten."""
    found = []
    for n in (5, 6, 7):
        numbers, targets, _ = puzzles(("rule",), 2000, n, 60, BOUND, "train", unique=False)
        found.append(searches(numbers, targets)[2])
    found = np.concatenate(found)
    assert 0.5 < np.mean(found == 0) < 0.6 and 0.88 < np.mean((found >= 0) & (found < 12)) < 0.93


def test_walks_are_pieces_of_searches_from_any_attempt_on():
    generator = np.random.Generator(np.random.Philox(3))
    begun, ended, cut, on, large = set(), 0, 0, 0, 0
    for n in (3, 4, 5, 6, 7, 8, 11, 15):
        numbers, targets = np.sort(generator.integers(1, 2001, (60, n)), axis=1), generator.integers(1, 40, 60)
        numbers[::2] = np.sort(np.argsort(generator.random((30, 40)), axis=1)[:, :n] + 1, axis=1)
        keys = generator.integers(0, 2**63, 60).astype(np.uint64)
        targets[::3] = within_reach(numbers, targets, keys)[::3]
        pairs = list(zip(*(texts.to_pylist() for texts in walks(numbers, targets, keys, 420)), strict=True))
        assert pairs == list(zip(*(texts.to_pylist() for texts in walks(numbers, targets, keys, 420)), strict=True))
        for row, target, (prompt, text) in zip(numbers.tolist(), targets.tolist(), pairs, strict=True):
            assert len(prompt + text) <= 420 or text == ""
            if text == "":
                continue
            first, index, _, equations = check(row, target, prompt, text, whole=False)
            assert n == 3 or first > 0, "its prompt is no question"
            begun.add((n, first))
            done = bool(equations) and not text.endswith("\n")
            assert done == bool(verify(row, target, text.rpartition(f"\n{SEARCH_MARKER}\n")[2]).correct)
            ended, cut, on = ended + done, cut + (not done), on + (index > first)
            large += done and max(row) > 1000
    assert len({first for n, first in begun if n == 5}) > 12, "from anywhere"
    assert ended > 100 and cut > 100 and on > 100 and large > 20


def test_equal_numbers_and_zero_on_the_way():
    prompts, texts, found = searches(np.array([[6, 6, 7], [5, 5, 9]]), np.array([7, 9]))
    assert [prompt + text for prompt, text in zip(prompts.to_pylist(), texts.to_pylist(), strict=True)] == [
        "6,6,7:7\n7,6:13,1,42:1:6+1=7\n:\n7-6=1\n6+1=7",
        "5,5,9:9\n9,5:14,4,45:4:5+4=9\n:\n9-5=4\n5+4=9",
    ]
    assert found.tolist() == [0, 0]
    (text,) = searches(np.array([[2, 2, 7, 7]]), np.array([3]))[1].to_pylist()
    assert text.startswith("7-7=0\n0,2,2:3\n2,2:3,3:0,4,4,1\n2,0:5,1,6:2,2,0\n")
    assert re.fullmatch(r"(\d+[-+*/]\d+=\d+\n?){3}", text.rpartition("\n:\n")[2])
    (text,) = searches(np.array([[2, 7, 7, 7]]), np.array([35]), context=None)[1].to_pylist()
    firsts = re.findall(r"(?:^|\n\n2,7,7,7:35\n)(.*)", text)
    assert firsts == ["7-7=0", "7-2=5", "7+7=14"][: len(firsts)] and len(firsts) > 1, "equal pairs are tried once"


@pytest.mark.parametrize(
    ("numbers", "targets", "message"),
    [
        ([list(range(1, 17))], [10], "needs 3 to 15 numbers; got 16"),
        ([[2, 3]], [5], "needs 3 to 15 numbers; got 2"),
        ([[2, 3, 5]], [0], "positive"),
        ([[0, 3, 5]], [2], "positive"),
    ],
)
def test_what_has_no_search_is_refused(numbers, targets, message):
    for call in (searches, lambda *puzzle: walks(*puzzle, np.array([1], np.uint64), 100)):
        with pytest.raises(InputError, match=message):
            call(np.array(numbers), np.array(targets))


def test_what_no_attempt_solves_has_no_text():
    prompts, texts, found = searches(np.array([[2, 4, 8], [2, 3, 4]]), np.array([599, 10]))
    assert found.tolist() == [-1, 0] and prompts.to_pylist() == ["", "2,3,4:10\n"] and texts[0].as_py() == ""


def test_a_walk_that_has_no_room_has_no_completion():
    numbers, keys = np.arange(1000, 1060, 4).reshape(1, 15), np.array([1], np.uint64)
    prompts, texts = walks(numbers, np.array([7]), keys, 70)
    assert texts.to_pylist() == [""] and prompts[0].as_py().startswith("1000,1004")
