"""Numbers of solutions, difficulty and reachable targets against brute force over trees and play-outs."""

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.solver.labels import (
    count_solutions,
    difficulty,
    difficulty_rows,
    divisors,
    playouts,
    reachable,
)
from arith_puzzle.dataset_builder.solver.solve import solutions


def _trees(leaves, bound):
    """The value of every tree over the leaves, one by one: slow and plain."""
    if len(leaves) == 1:
        yield leaves[0]
        return
    first, *others = range(len(leaves))
    for size in range(len(others)):
        for chosen in itertools.combinations(others, size):
            left = [leaves[i] for i in (first, *chosen)]
            right = [leaves[i] for i in others if i not in chosen]
            for a in _trees(left, bound):
                for b in _trees(right, bound):
                    equations = {(max(a, b), "+", min(a, b), a + b), (max(a, b), "*", min(a, b), a * b)}
                    equations |= {(a, "-", b, a - b), (b, "-", a, b - a)}
                    equations |= {(x, "/", y, x // y) for x, y in ((a, b), (b, a)) if y and x % y == 0}
                    yield from (c for *_, c in equations if abs(c) <= bound)


def _playouts(pool, bound):
    """The last number of every play-out, one by one."""
    if len(pool) == 1:
        yield pool[0]
    for i, j in itertools.combinations(range(len(pool)), 2):
        a, b = pool[i], pool[j]
        rest = [x for k, x in enumerate(pool) if k not in (i, j)]
        results = [a + b, a - b, b - a, a * b] + [x // y for x, y in ((a, b), (b, a)) if y and x % y == 0]
        for c in results:
            if abs(c) <= bound:
                yield from _playouts([*rest, c], bound)


def _cases():
    rng = random.Random(1)
    for n, v in [(2, 3), (2, 60), *[(3, 4), (3, 12), (4, 3), (4, 60)] * 3, (5, 3), (5, 12), (5, 60)]:
        yield rng.choices(range(-1 if v == 3 else 1, v + 1), k=n), rng.choice([v, 10 * v])
    yield [0, 0, 0, 0], 4
    yield [2, 2, 2, 2], 40
    yield [58, 60, 59, 57], 10_000  # sparse tables


@pytest.mark.parametrize(("numbers", "bound"), list(_cases()))
def test_against_brute_force(numbers, bound):
    trees, ends = Counter(_trees(numbers, bound)), Counter(_playouts(numbers, bound))
    assert reachable(numbers, bound=bound) == set(trees) == set(ends)

    rng = random.Random(0)
    targets = [*rng.sample(sorted(trees), min(20, len(trees))), 0, 1, bound, -bound, bound + 1, 7]
    rows = np.array([numbers] * len(targets))
    assert count_solutions(rows, np.array(targets), bound=bound).tolist() == [trees[t] for t in targets]
    hits, legal = playouts(rows, np.array(targets), bound=bound)
    assert hits.tolist() == [ends[t] for t in targets] and set(legal) == {ends.total()}
    wanted = [-math.log10(ends[t] / ends.total()) if ends[t] else math.inf for t in targets]
    assert difficulty_rows(rows, np.array(targets), bound=bound).tolist() == pytest.approx(wanted, rel=1e-6)
    assert difficulty(numbers, targets[0], bound) == pytest.approx(wanted[0], rel=1e-6)


def test_a_tree_is_one_text_and_a_text_at_least_one_tree():
    rng = random.Random(2)
    for _ in range(30):
        numbers, target = rng.sample(range(1, 61), 5), rng.randint(1, 60)
        texts = sum(1 for _ in solutions(numbers, target, bound=600))
        trees = count_solutions(np.array([numbers]), np.array([target]), bound=600)[0]
        assert trees >= texts and (trees > 0) == (texts > 0)
    # Beside the given 2 lies 4-2=2, or 6-4=2: either of the two may be the one that the next line takes.
    texts = list(solutions([2, 4, 6, 10], 16, bound=100))
    assert "10-2=8\n6-4=2\n8*2=16" in texts
    assert count_solutions(np.array([[2, 4, 6, 10]]), np.array([16]), bound=100)[0] > len(texts)


@pytest.mark.parametrize(("n", "v"), [(6, 60), (7, 60), (8, 60), (6, 1000)])
def test_large_tables_agree_with_one_another(n, v):
    rng = random.Random(n)
    rows = np.array([rng.sample(range(1, v + 1), n) for _ in range(3)])
    targets = np.array([rng.randint(1, v) for _ in range(3)])
    counts = count_solutions(rows, targets, bound=10 * v)
    hits, legal = playouts(rows, targets, bound=10 * v)
    assert ((counts > 0) == (hits > 0)).all() and (hits >= counts).all() and (legal < 2.0**53).all()
    for row, target, count in zip(rows.tolist(), targets.tolist(), counts, strict=True):
        assert (target in reachable(row, bound=10 * v)) == (count > 0)
        assert (next(solutions(row, target, bound=10 * v), None) is not None) == (count > 0)
    # The order of the numbers does not matter, nor do the rows above.
    assert (count_solutions(rows[::-1, ::-1], targets[::-1], bound=10 * v) == counts[::-1]).all()


def test_divisors():
    start, items = divisors(12)
    assert [items[start[v] : start[v + 1]].tolist() for v in (1, 2, 7, 12)] == [
        [1],
        [1, 2],
        [1, 7],
        [1, 2, 3, 4, 6, 12],
    ]


def test_errors_say_the_rule_and_the_value():
    one = np.array([1])
    with pytest.raises(InputError, match="2 to 8 numbers; got 9"):
        count_solutions(np.ones((1, 9)), one, bound=10)
    with pytest.raises(InputError, match="a bound up to 262143; got 300000"):
        difficulty_rows(np.ones((1, 8)), one, bound=300_000)
    with pytest.raises(InputError, match="within the bound ±10; got 11"):
        reachable([11, 2], bound=10)
    assert count_solutions(np.ones((0, 5)), np.ones(0), bound=10).shape == (0,)
