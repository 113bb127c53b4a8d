"""Searches before answers, read back by a parser of their own and judged by a solver that shares nothing with them."""

import hashlib
import itertools
import re

import numpy as np
import pytest

from dataset_builder.errors import InputError
from dataset_builder.generate import puzzles
from dataset_builder.search import FACTOR, MAX_CHARACTERS, SEARCH_BOUND, SEARCH_MARKER, searches, walks
from metrics.arith_puzzle_verifier.verify import verify

EQUATION = re.compile(r"(\d+)([-/+*])(\d+)=(\d+)")
OPERATE = {
    "-": lambda y, x: y - x,
    "/": lambda y, x: y // x if x and y % x == 0 else None,
    "+": lambda y, x: y + x,
    "*": lambda y, x: y * x,
}


@pytest.fixture(scope="module", params=[2, 3, 4, 5])
def made(request):
    """(numbers, targets, texts with detours, texts without) of 150 puzzles of N numbers."""
    n = request.param
    numbers, targets, _ = puzzles(("test-search",), 150, n, 60, SEARCH_BOUND, "train", unique=True)
    return numbers, targets, *(searches(numbers, targets, detours=d).to_pylist() for d in (True, False))


def allowed(pool: tuple[int, ...], large: int, small: int, op: str) -> bool:
    """The rule of a search that is not wide, in its own words."""
    if len(pool) > 4 and large < max(pool):
        return False
    return op in "+-" or (len(pool) < 4 and small <= FACTOR)


def can_reach(pool: tuple[int, ...], target: int, known: dict, rule=allowed) -> bool:
    """Brute force without negative numbers."""
    if len(pool) == 1:
        return pool[0] == target
    key = (pool, target)
    if key not in known:
        known[key] = False
        for i, j in itertools.combinations(range(len(pool)), 2):
            rest = [pool[k] for k in range(len(pool)) if k not in (i, j)]
            small, large = sorted((pool[i], pool[j]))
            values = {OPERATE[op](large, small) for op in "-/+*" if rule(pool, large, small, op)} - {None}
            if any(can_reach(tuple(sorted([*rest, v])), target, known, rule) for v in values):
                known[key] = True
                break
    return known[key]


def replay(numbers, target, text):
    """Walk through a search; returns [(pool before, the candidate, pool after, whether it was taken)] and the answer.

    Asserts that every puzzle line is what is left and the way to it, that every equation holds and takes numbers of
    the pool, that no candidate comes twice, and that a way back says what was tried last.
    """
    search, marker, answer = text.rpartition(f"\n{SEARCH_MARKER}\n")
    assert marker
    seen, path = follow(f"{','.join(map(str, numbers))}:{target}\n", search)
    assert answer.split("\n") == path
    return seen, answer


def parts_of(line):
    """Pool, target and way of a puzzle line."""
    said, goal, *way = line.split(":")
    assert len(way) < 2 and way != [""]
    return tuple(map(int, said.split(","))), int(goal), way[0].split(",") if way else []


def follow(prompt, search):
    """``replay`` of the part before the marker: what was seen, and the way."""
    pool, target, path = parts_of(prompt.removesuffix("\n"))
    pools = [pool]
    for equation in reversed(path):
        y, op, x, c = EQUATION.fullmatch(equation).groups()
        assert OPERATE[op](int(y), int(x)) == int(c)
        before = list(pools[0])
        before.remove(int(c))
        pools.insert(0, tuple(sorted([*before, int(y), int(x)])))
    tried = [[] for _ in pools]
    seen, back = [], None
    for place, line in enumerate(search.split("\n")):
        if place % 2:
            pool, goal, way = parts_of(line)
            back = None
            if len(pool) > len(pools[-1]):
                pools.pop(), tried.pop()
                back = path.pop()
            assert goal == target and way == path
            assert pool == pools[-1], "neither what is left nor the puzzle before"
            continue
        parts = line.split(",")
        if back:
            assert parts.pop(0) == back
            back = None
            if not parts:
                continue
        for part in parts:
            if part == "":
                assert part is parts[-1], "only behind the last candidate"
                break
            y, op, x, c = EQUATION.fullmatch(part).groups()
            y, x, c = int(y), int(x), int(c)
            assert OPERATE[op](y, x) == c
            rest = list(pools[-1])
            rest.remove(y), rest.remove(x)
            after = tuple(sorted([*rest, c]))
            assert part not in tried[-1]
            tried[-1].append(part)
            taken = part is parts[-1]
            seen.append((pools[-1], (y, x, op), after, taken))
            if taken:
                path.append(part)
                pools.append(after)
                tried.append([])
    return seen, path


def test_the_answer_is_the_way_that_was_taken_and_verifies(made):
    numbers, targets, *both = made
    for texts in both:
        for row, target, text in zip(numbers.tolist(), targets.tolist(), texts, strict=True):
            _, answer = replay(row, target, text)
            assert verify(row, target, answer).correct, text


def test_without_detours_every_verdict_is_the_truth(made):
    numbers, targets, _, texts = made
    known, wide = {}, 0
    for row, target, text in zip(numbers.tolist(), targets.tolist(), texts, strict=True):
        seen = replay(row, target, text)[0]
        if not can_reach(tuple(row), target, known):
            wide += 1
            continue
        for pool, move, after, taken in seen:
            assert allowed(pool, *move)
            assert can_reach(after, target, known) == taken, (after, text)
    assert wide < 0.06 * len(texts)


def test_detours_take_dead_ends_and_turn_back(made):
    numbers, targets, texts, plain = made
    if numbers.shape[1] < 3:
        assert texts == plain, "nothing to turn back from"
        return
    known, wrong, dead, passed, alive = {}, 0, 0, 0, 0
    for row, target, text in zip(numbers.tolist(), targets.tolist(), texts, strict=True):
        if not can_reach(tuple(row), target, known):
            continue
        for _, _, pool, taken in replay(row, target, text)[0]:
            if len(pool) == 1:
                assert taken == (pool[0] == target), "the target is never passed over, and nothing else taken for it"
            elif can_reach(pool, target, known):
                alive, passed = alive + 1, passed + (not taken)
            else:
                dead, wrong = dead + 1, wrong + taken
    assert 0 < wrong < 0.3 * dead
    assert passed < 0.2 * alive
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
    assert digest.hexdigest() == "d7d604d605c93354e49415b4fe0aeca2af70602a2a4e5f641cff9646d7794c12"


def test_a_wide_search_finds_what_a_small_one_cannot():
    """All that the rules allow without negative numbers, and products up to the bound."""
    rule = lambda pool, large, small, op: op != "*" or large * small <= SEARCH_BOUND  # noqa: E731
    numbers, targets, _ = puzzles(("wide",), 3000, 4, 60, SEARCH_BOUND, "train", unique=False)
    known, found = {}, 0
    for row, target, text in zip(
        numbers.tolist(), targets.tolist(), searches(numbers, targets).to_pylist(), strict=True
    ):
        if can_reach(tuple(row), target, known):
            continue
        wide = {}
        for pool, _, after, taken in replay(row, target, text)[0]:
            assert can_reach(after, target, wide, rule) == taken, (pool, text)
        found += 1
    assert found > 20


def walked(numbers, targets, keys, characters):
    return list(zip(*(texts.to_pylist() for texts in walks(numbers, targets, keys, characters)), strict=True))


def test_walks_go_by_the_same_rule_from_anywhere():
    generator = np.random.Generator(np.random.Philox(3))
    taken_share, begun, back, cut, found = [], set(), 0, 0, 0
    for n in (3, 4, 5, 6, 7, 8, 11, 15):
        numbers, targets = np.sort(generator.integers(1, 2001, (60, n)), axis=1), generator.integers(1, 40, 60)
        numbers[::2] = np.sort(generator.integers(1, 31, (30, n)), axis=1)
        keys = generator.integers(0, 2**63, 60).astype(np.uint64)
        pairs = walked(numbers, targets, keys, 440)
        assert pairs == walked(numbers, targets, keys, 440)
        for row, (prompt, text) in zip(numbers.tolist(), pairs, strict=True):
            assert text.endswith((",", "\n")) and len(prompt + text) <= 440, "unfinished"
            search, marker, answer = text.rpartition(f"\n{SEARCH_MARKER}\n")
            pool, target, way = parts_of(prompt[:-1])
            begun.add((n, len(pool)))
            assert way or pool == tuple(row)
            if marker:
                seen, path = follow(prompt, search)
                assert answer == "".join(f"{equation}\n" for equation in path[:-1])
                assert seen[-1][2:] == ((target,), True) and verify(row, target, "\n".join(path)).correct
                found += 1
            else:
                lines = text.split("\n")
                if len(lines) % 2 == 0:  # a puzzle that is cut short
                    cut += 1
                    lines.pop()
                seen, _ = follow(prompt, "\n".join(lines))
                assert all(after != (target,) for _, _, after, _ in seen)
            assert all(allowed(pool, *move) for pool, move, _, _ in seen)
            taken_share += [taken for pool, _, _, taken in seen if len(pool) > 2]
            back += ",\n" in text
    assert begun >= {(n, size) for n in (3, 4, 5, 6, 7, 8) for size in range(2, n + 1)}, "at every level"
    assert abs(np.mean(taken_share) - 0.5) < 0.06, "what is taken is drawn"
    assert back > 100 and cut > 20 and 50 < found < 300


def test_the_longest_are_written_without_detours():
    numbers, targets, _ = puzzles(("long",), 2000, 6, 60, SEARCH_BOUND, "train", unique=False)
    texts, plain = (searches(numbers, targets, detours=d).to_pylist() for d in (True, False))
    longest = max(len(text) for text in plain)
    limit = MAX_CHARACTERS * 6
    assert all(len(text) <= max(limit + 100, longest) for text in texts)
    assert sum(one == other for one, other in zip(texts, plain, strict=True)) > 200, "few take a detour at all"


def test_equal_numbers_and_zero_on_the_way():
    assert searches(np.array([[6, 6, 7]]), np.array([7]), detours=False).to_pylist() == [
        "7-6=1\n1,6:7:7-6=1\n6-1=5,6/1=6,6+1=7\n:\n7-6=1\n6+1=7"
    ]
    (text,) = searches(np.array([[5, 5, 9]]), np.array([9]), detours=False).to_pylist()
    assert verify([5, 5, 9], 9, replay([5, 5, 9], 9, text)[1]).correct


@pytest.mark.parametrize(
    ("numbers", "targets", "message"),
    [
        ([list(range(1, 17))], [10], "takes 2 to 15 numbers; got 16"),
        ([[2, 3, 5]], [0], "positive"),
        ([[2, 4, 8]], [599], r"\[2, 4, 8\] cannot reach 599, with products up to 600"),
        ([[70, 71, 80]], [5050], "cannot reach 5050"),
    ],
)
def test_what_has_no_search_is_refused(numbers, targets, message):
    with pytest.raises(InputError, match=message):
        searches(np.array(numbers), np.array(targets))


def test_a_walk_that_has_no_room_is_refused():
    numbers, keys = np.arange(1000, 1060, 4).reshape(1, 15), np.array([1], np.uint64)
    with pytest.raises(InputError, match=r"70 characters are too few for a walk through \[1000, 1004"):
        walks(numbers, np.array([7]), keys, 70)
