"""The canonical solution and the first K against a depth-first search of all play-outs, and against all texts."""

import random

import numpy as np
import pytest
from numba import njit

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, normal_form, parse_completion
from arith_puzzle.dataset_builder.solver.canonical import canonical, paths
from arith_puzzle.dataset_builder.solver.solve import solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify


@njit
def _replace_pair(pool, m, i, j, c, rest):
    """``rest`` = ``pool`` (descending, m long) without positions i and j, and with c in its place."""
    k = 0
    placed = False
    for q in range(m):
        if q in (i, j):
            continue
        if not placed and c >= pool[q]:
            rest[k] = c
            k += 1
            placed = True
        rest[k] = pool[q]
        k += 1
    if not placed:
        rest[k] = c


@njit
def _depth_first(numbers, targets, bound, equations, found):
    """All orders of all steps in the documented order, strict improvement only: of equals the first is kept."""
    n = numbers.shape[1]
    pools = np.zeros((n, n), np.int64)
    state = np.zeros(n, np.int64)  # next (i, j, op) to try at each depth
    worst = np.zeros(n, np.int64)
    total = np.zeros(n, np.int64)
    path = np.zeros((n - 1, 4), np.int64)
    for row in range(numbers.shape[0]):
        best_worst = best_total = np.iinfo(np.int64).max
        pools[0] = np.sort(numbers[row])[::-1]
        depth = 0
        state[0] = 0
        while depth >= 0:
            m = n - depth
            if state[depth] == 4 * m * m:
                depth -= 1
                continue
            i, j, op = state[depth] // (4 * m), state[depth] // 4 % m, state[depth] % 4
            pool = pools[depth]
            state[depth] += 1
            a, b = pool[i], pool[j]
            if i == j or (i > j and op in (0, 2)) or (op == 3 and b == 0):
                continue
            c = (a + b, a - b, a * b, a // b if b else 0)[op]
            if (op == 3 and c * b != a) or (m > 2 and abs(c) > bound):
                continue
            path[depth, 0], path[depth, 1], path[depth, 2], path[depth, 3] = a, op, b, c
            if m == 2:
                if c == targets[row] and (worst[depth], total[depth]) < (best_worst, best_total):
                    best_worst, best_total = worst[depth], total[depth]
                    equations[row] = path
                    found[row] = True
                continue
            new_worst, new_total = max(worst[depth], abs(c)), total[depth] + abs(c)
            if (new_worst, new_total) >= (best_worst, best_total):
                continue
            depth += 1
            _replace_pair(pool, m, i, j, c, pools[depth])
            state[depth], worst[depth], total[depth] = 0, new_worst, new_total


def _reordered(equations):
    """The operators of the depth-first search are in the order of the text's too: ``+ - * /``."""
    return [completion((a, OPERATORS[op], b, c) for a, op, b, c in row) for row in equations.tolist()]


def _rows(n, v, rows, seed=0):
    rng = np.random.default_rng([n, v, seed])
    return rng.integers(1, v + 1, (rows, n)), rng.integers(1, v + 1, rows)


def _check_against_depth_first(n, v, bound, rows, search):
    numbers, targets = _rows(n, v, rows)
    if v == 4:
        numbers -= 1  # zeros
    wanted, found = np.zeros((rows, n - 1, 4), np.int64), np.zeros(rows, bool)
    search(numbers, targets, bound, wanted, found)
    got, ok = canonical(numbers, targets, bound)
    assert (ok == found).all()
    assert _reordered(got[ok]) == _reordered(wanted[found])


@pytest.mark.parametrize(
    ("n", "v", "bound", "rows"), [(2, 12, 120, 100), (3, 4, 40, 100), (3, 60, 600, 100), (4, 4, 4, 20), (4, 60, 600, 5)]
)
def test_canonical_is_that_of_the_depth_first_search(n, v, bound, rows, monkeypatch):
    """Without the compiler, which takes longer than these rows."""
    monkeypatch.setitem(globals(), "_replace_pair", _replace_pair.py_func)
    _check_against_depth_first(n, v, bound, rows, _depth_first.py_func)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "v", "bound", "rows"),
    [(2, 12, 120, 200), (3, 4, 40, 500), (3, 60, 600, 2000), (4, 4, 4, 200), (4, 12, 120, 300), (4, 60, 600, 1000),
     (5, 4, 40, 20), (5, 60, 600, 100), (5, 200, 20_000, 20), (6, 60, 600, 3)],
)  # fmt: skip
def test_canonical_is_that_of_the_compiled_depth_first_search(n, v, bound, rows):
    _check_against_depth_first(n, v, bound, rows, _depth_first)


def _cost(text):
    equations = parse_completion(text)
    middle = [abs(c) for *_, c in equations[:-1]] or [0]
    return max(middle), sum(middle), [(-a, -b, OPERATORS.index(op)) for a, op, b, _ in equations]


@pytest.mark.parametrize(("n", "v"), [(2, 10), (3, 10), (3, 60), (4, 4), (4, 60), (5, 20), (5, 60)])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_paths_are_the_first_of_all_solutions_in_order(n, v, k):
    numbers, targets = _rows(n, v, 6, seed=1)
    equations, found = paths(numbers, targets, k, 10 * v)
    for row in range(6):
        wanted = sorted(solutions(numbers[row].tolist(), int(targets[row]), bound=10 * v), key=_cost)[:k]
        got = _reordered(equations[row, : found[row]])
        assert got == wanted
        assert not equations[row, found[row] :].any()


@pytest.mark.parametrize(("n", "v"), [(5, 60), (6, 60), (7, 60), (8, 60), (7, 1000)])
def test_large_puzzles_verify_and_do_not_depend_on_the_rows_around(n, v):
    rng = random.Random(n)
    numbers = np.array([rng.sample(range(1, v + 1), n) for _ in range(20)])
    targets = np.array([rng.randint(1, v) for _ in range(20)])
    equations, found = paths(numbers, targets, 4, 10 * v)
    assert (found > 0).sum() > 5
    first, ok = canonical(numbers[:, ::-1], targets, 10 * v)
    assert (ok == (found > 0)).all() and (first[ok] == equations[ok, 0]).all()
    for row in range(20):
        texts = _reordered(equations[row, : found[row]])
        assert len(set(texts)) == found[row] and [_cost(t) for t in texts] == sorted(map(_cost, texts))
        for text in texts:
            assert verify(numbers[row].tolist(), int(targets[row]), text).correct
            assert completion(normal_form(numbers[row].tolist(), parse_completion(text))) == text
        alone, count = paths(numbers[row : row + 1], targets[row : row + 1], 4, 10 * v)
        assert (alone[0] == equations[row]).all() and count[0] == found[row]


@pytest.mark.parametrize(
    ("numbers", "target"),
    [
        ([0] * 8, 0),
        ([1] * 8, 1),
        ([2] * 8, 8),
        ([0, 0, 0, 0, 1, 1, 1, 1], 1),
        ([0, 1, 2, 3, 4, 5, 6], 0),
        ([1] * 8, 577),
    ],
)
def test_repeats_and_zeros(numbers, target):
    equations, found = paths(np.array([numbers]), np.array([target]), 8, 600)
    texts = _reordered(equations[0, : found[0]])
    assert len(set(texts)) == found[0] == (0 if target == 577 else 8)
    assert all(verify(numbers, target, text).correct for text in texts)


def test_errors():
    with pytest.raises(InputError, match="2 to 8 numbers; got 9"):
        canonical(np.ones((1, 9)), np.ones(1), 600)
    with pytest.raises(InputError, match="at least 1; got 0"):
        paths(np.ones((1, 3)), np.ones(1), 0, 600)
    with pytest.raises(InputError, match="8 numbers are searched up to intermediate results of 524287; 1 puzzles"):
        canonical(np.array([[0] * 8]), np.array([1]), 10**7)
    assert canonical(np.ones((0, 5)), np.ones(0), 600)[0].shape == (0, 4, 4)
