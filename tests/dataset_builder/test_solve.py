"""The solver, the canonical solution and difficulty against brute force."""

import itertools
import math
import random

import numpy as np
import pytest

from dataset_builder.errors import InputError
from dataset_builder.puzzle import OPERATORS, completion, normal_form, parse_completion
from dataset_builder.solve import canonical, difficulty, reachable, solutions
from metrics.arith_puzzle_verifier.verify import verify


def _results(a, b, bound):
    found = [("+", a + b), ("-", a - b), ("*", a * b)]
    if b and a % b == 0:
        found.append(("/", a // b))
    return [(op, c) for op, c in found if abs(c) <= bound]


def _playouts(pool, equations, bound):
    """Every play-out of the rules, as (equations, last number): slow and plain."""
    if len(pool) == 1:
        yield equations, pool[0]
    for i, j in itertools.permutations(range(len(pool)), 2):
        rest = [x for k, x in enumerate(pool) if k not in (i, j)]
        for op, c in _results(pool[i], pool[j], bound):
            if op in "+*" and i > j:
                continue
            yield from _playouts([*rest, c], [*equations, (pool[i], op, pool[j], c)], bound)


def _cases():
    rng = random.Random(0)
    for _ in range(70):
        n, v = rng.choice([2, 3, 3, 4, 4]), rng.choice([4, 10, 60])
        numbers = sorted(rng.choices(range(1, v + 1), k=n))
        yield numbers, rng.randint(-3, v), 10 * v
    yield [1, 2, 2, 2, 4], 0, 40
    yield [5, 5, 3], 0, 100


def _cost(text):
    equations = parse_completion(text)
    middle = [abs(c) for *_, c in equations[:-1]] or [0]
    return max(middle), sum(middle), [(-a, -b, OPERATORS.index(op)) for a, op, b, _ in equations]


@pytest.mark.parametrize(("numbers", "target", "bound"), list(_cases()))
def test_against_brute_force(numbers, target, bound):
    playouts = list(_playouts(numbers, [], bound))
    wanted = {completion(normal_form(numbers, equations)) for equations, last in playouts if last == target}
    found = list(solutions(numbers, target, bound=bound))
    assert len(found) == len(set(found)) and set(found) == wanted
    assert all(verify(numbers, target, text).correct for text in found)
    assert reachable(numbers, bound=bound) == {last for _, last in playouts}

    rows, ok = canonical(np.array([numbers]), np.array([target]), bound)
    assert ok[0] == bool(wanted)
    if wanted:
        text = completion((a, OPERATORS[op], b, c) for a, op, b, c in rows[0].tolist())
        assert text == min(wanted, key=_cost)

    hits = sum(last == target for _, last in playouts)
    want = -math.log10(hits / len(playouts)) if hits else math.inf
    assert difficulty(numbers, target, bound) == pytest.approx(want)


@pytest.mark.parametrize("n", [5, 6, 7, 8])
def test_first_solution_of_larger_puzzles_verifies(n):
    rng = random.Random(n)
    solved = 0
    for _ in range(20):
        numbers, target = sorted(rng.sample(range(1, 61), n)), rng.randint(1, 60)
        text = next(solutions(numbers, target), None)
        if text is not None:
            assert verify(numbers, target, text).correct
            solved += 1
    assert solved >= 12


def test_too_many_numbers_are_refused():
    with pytest.raises(InputError, match="2 to 8"):
        solutions([1] * 9, 9)


def test_a_negative_target_and_negative_numbers():
    for text in solutions([-3, 2], -6):
        assert verify([-3, 2], -6, text).correct
    assert set(solutions([-3, 2], -6)) == {"2*-3=-6"}
