"""Searches before answers, read back by a parser of their own and judged by a solver that shares nothing with them."""

import hashlib
import itertools
import re

import numpy as np
import pytest

from dataset_builder.errors import InputError
from dataset_builder.generate import puzzles
from dataset_builder.search import MAX_CHARACTERS, SEARCH_BOUND, SEARCH_MARKER, searches
from metrics.arith_puzzle_verifier.verify import verify

EQUATION = re.compile(r"(\d+)([-/+*])(\d+)=(\d+)")
OPERATE = {
    "-": lambda y, x: y - x,
    "/": lambda y, x: y // x if x and y % x == 0 else None,
    "+": lambda y, x: y + x,
    "*": lambda y, x: y * x,
}


@pytest.fixture(scope="module", params=[2, 3, 4])
def made(request):
    """(numbers, targets, texts with detours, texts without) of 150 puzzles of N numbers."""
    n = request.param
    numbers, targets, _ = puzzles(("test-search",), 150, n, 60, SEARCH_BOUND, "train", unique=True)
    return numbers, targets, *(searches(numbers, targets, detours=d).to_pylist() for d in (True, False))


def can_reach(pool: tuple[int, ...], target: int, known: dict) -> bool:
    """Brute force without negative numbers."""
    if len(pool) == 1:
        return pool[0] == target
    key = (pool, target)
    if key not in known:
        known[key] = False
        for i, j in itertools.combinations(range(len(pool)), 2):
            rest = [pool[k] for k in range(len(pool)) if k not in (i, j)]
            small, large = sorted((pool[i], pool[j]))
            values = {OPERATE[op](large, small) for op in "-/+*"} - {None}
            if any(can_reach(tuple(sorted([*rest, v])), target, known) for v in values if v <= SEARCH_BOUND):
                known[key] = True
                break
    return known[key]


def replay(numbers, target, text):
    """Walk through a search; returns [(pool after the candidate, whether it was taken)] and the strict answer.

    Asserts that every puzzle line is what is left, that every equation holds and takes numbers of the pool, and that no
    candidate comes twice.
    """
    search, marker, answer = text.rpartition(f"\n{SEARCH_MARKER}\n")
    assert marker
    pools, tried = [tuple(numbers)], [[]]
    path, seen = [], []
    for place, line in enumerate(search.split("\n")):
        if place % 2:
            said, _, goal = line.partition(":")
            assert int(goal) == target
            pool = tuple(map(int, said.split(",")))
            while pool != pools[-1]:
                pools.pop(), tried.pop(), path.pop()
            assert pool == pools[-1], "a puzzle that is not on the way"
            continue
        parts = line.split(",")
        for part in parts:
            if part == "":
                assert part is parts[-1], "only behind the last candidate"
                break
            y, op, x, c = EQUATION.fullmatch(part).groups()
            y, x, c = int(y), int(x), int(c)
            assert OPERATE[op](y, x) == c <= SEARCH_BOUND
            rest = list(pools[-1])
            rest.remove(y), rest.remove(x)
            after = tuple(sorted([*rest, c]))
            assert part not in tried[-1]
            tried[-1].append(part)
            taken = part is parts[-1]
            seen.append((after, taken))
            if taken:
                path.append(part)
                pools.append(after)
                tried.append([])
    assert answer.split("\n") == path
    return seen, answer


def test_the_answer_is_the_way_that_was_taken_and_verifies(made):
    numbers, targets, *both = made
    for texts in both:
        for row, target, text in zip(numbers.tolist(), targets.tolist(), texts, strict=True):
            _, answer = replay(row, target, text)
            assert verify(row, target, answer).correct, text


def test_without_detours_every_verdict_is_the_truth(made):
    numbers, targets, _, texts = made
    known = {}
    for row, target, text in zip(numbers.tolist(), targets.tolist(), texts, strict=True):
        for pool, taken in replay(row, target, text)[0]:
            assert can_reach(pool, target, known) == taken, (pool, text)


def test_detours_take_dead_ends_and_turn_back(made):
    numbers, targets, texts, plain = made
    if numbers.shape[1] < 3:
        assert texts == plain, "nothing to turn back from"
        return
    known, wrong, dead, passed, alive = {}, 0, 0, 0, 0
    for row, target, text in zip(numbers.tolist(), targets.tolist(), texts, strict=True):
        for pool, taken in replay(row, target, text)[0]:
            if len(pool) == 1:
                assert taken == (pool[0] == target), "the target is never passed over, and nothing else taken for it"
            elif can_reach(pool, target, known):
                alive, passed = alive + 1, passed + (not taken)
            else:
                dead, wrong = dead + 1, wrong + taken
    assert 0 < wrong < 0.2 * dead
    assert passed < 0.15 * alive
    assert texts != plain


def test_a_search_is_a_function_of_the_puzzle(made):
    numbers, targets, texts, _ = made
    order = np.random.Generator(np.random.Philox(7)).permutation(len(texts))
    assert searches(numbers[order], targets[order]).to_pylist() == [texts[i] for i in order]


def test_these_searches_stay_as_they_are():
    """Training rows: whoever changes them changes what the recipes train on."""
    digest = hashlib.sha256()
    for n in range(2, 9):
        numbers, targets, _ = puzzles(("golden-search",), 40, n, 60, SEARCH_BOUND, "train", unique=False)
        digest.update("\0".join(searches(numbers, targets).to_pylist()).encode())
    assert digest.hexdigest() == "6ccff12eac3c615d80e6c4fbd5cb4ee0b3e5f642d234d9a59f763af97ad684bf"


def test_the_longest_are_written_without_detours():
    numbers, targets, _ = puzzles(("long",), 2000, 6, 60, SEARCH_BOUND, "train", unique=False)
    texts, plain = (searches(numbers, targets, detours=d).to_pylist() for d in (True, False))
    longest = max(len(text) for text in plain)
    limit = MAX_CHARACTERS * 6
    assert all(len(text) <= max(limit + 100, longest) for text in texts)
    assert sum(one == other for one, other in zip(texts, plain, strict=True)) > 200, "few take a detour at all"


def test_equal_numbers_and_zero_on_the_way():
    assert searches(np.array([[6, 6, 7]]), np.array([7]), detours=False).to_pylist() == [
        "7-6=1\n1,6:7\n6-1=5,6/1=6,6+1=7\n:\n7-6=1\n6+1=7"
    ]
    (text,) = searches(np.array([[5, 5, 9]]), np.array([9]), detours=False).to_pylist()
    assert verify([5, 5, 9], 9, replay([5, 5, 9], 9, text)[1]).correct


@pytest.mark.parametrize(
    ("numbers", "targets", "message"),
    [
        ([[1, 2, 3, 4, 5, 6, 7, 8, 9]], [10], "takes 2 to 8 numbers; got 9"),
        ([[2, 3, 5]], [0], "positive"),
        ([[2, 4, 8]], [599], r"\[2, 4, 8\] cannot reach 599"),
        ([[700, 701, 800]], [2201], "cannot reach 2201 within 600"),
    ],
)
def test_what_has_no_search_is_refused(numbers, targets, message):
    with pytest.raises(InputError, match=message):
        searches(np.array(numbers), np.array(targets))
