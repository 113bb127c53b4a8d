"""The solver of one puzzle against brute force, on repeats, zeros, wide numbers and more than 8 of them."""

import itertools
import random
import subprocess
import sys

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import completion, normal_form
from arith_puzzle.dataset_builder.solver.solve import find, solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify


def playouts(pool, equations, bound):
    """Every play-out of the rules, as (equations, last number): slow and plain."""
    if len(pool) == 1:
        yield equations, pool[0]
    for i, j in itertools.permutations(range(len(pool)), 2):
        a, b = pool[i], pool[j]
        rest = [x for k, x in enumerate(pool) if k not in (i, j)]
        found = [("-", a - b)]
        if i < j:
            found += [("+", a + b), ("*", a * b)]
        if b and a % b == 0:
            found.append(("/", a // b))
        for op, c in found:
            if abs(c) <= bound:
                yield from playouts([*rest, c], [*equations, (a, op, b, c)], bound)


def cases():
    rng = random.Random(0)
    for _ in range(70):
        n, v = rng.choice([2, 3, 3, 4, 4]), rng.choice([4, 10, 60])
        yield sorted(rng.choices(range(-1 if v == 4 else 1, v + 1), k=n)), rng.randint(-3, v), rng.choice([v, 10 * v])
    yield [1, 2, 2, 2, 4], 0, 40
    yield [5, 5, 3], 0, 100
    yield [0, 0, 0, 0], 0, 5
    yield [-3, 2], -6, 600


@pytest.mark.parametrize(("numbers", "target", "bound"), list(cases()))
def test_solutions_are_those_of_brute_force(numbers, target, bound):
    ends = playouts(numbers, [], bound)
    wanted = {completion(normal_form(numbers, equations)) for equations, last in ends if last == target}
    found = list(solutions(numbers, target, bound=bound))
    assert len(found) == len(set(found)) and set(found) == wanted
    assert all(verify(numbers, target, text).correct for text in found)


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


@pytest.mark.parametrize(
    ("numbers", "target", "count"),
    [([0] * 8, 0, 36), ([2] * 7, 2, 3730), ([2] * 8, 8, 11506), ([1] * 8, 17, 0), ([1] * 7 + [2], 31, 0)],
)
def test_equal_numbers_do_not_multiply_the_work(numbers, target, count):
    """Their trees go into the millions; each of these takes well under a second."""
    texts = list(solutions(numbers, target))
    assert len(texts) == len(set(texts)) == count
    assert all(verify(numbers, target, text).correct for text in texts)


def test_what_no_way_leads_to_is_proved():
    assert next(solutions([99991, 81017, 64007, 49003, 36007, 25013, 16001, 9001], 77777), None) is None
    assert next(solutions([7] * 8, 599), None) is None


def test_too_many_numbers_are_refused():
    with pytest.raises(InputError, match="2 to 8"):
        solutions([1] * 9, 9)
    with pytest.raises(InputError, match="at least 2"):
        find([1], 1)


@pytest.mark.parametrize("n", [9, 10, 12, 15])
def test_find_solves_puzzles_past_eight_numbers(n):
    rng = random.Random(n)
    for _ in range(10):
        numbers, target = rng.sample(range(1, 61), n), rng.randint(1, 60)
        text, proved = find(numbers, target, bound=600)
        assert proved and verify(numbers, target, text).correct
        assert all(abs(int(line.split("=")[1])) <= 600 for line in text.split("\n"))
        assert (text, proved) == find(numbers, target, bound=600)


def test_find_keeps_not_found_apart_from_none_exists():
    assert find([3, 5], 100) == (None, True)  # up to 8 numbers: exact
    assert find([0] * 12, 1) == (None, True)  # few parts: exact
    assert find([1] * 14 + [2], 500) == (None, True)
    assert find(range(100001, 100010), 77, tries=2) == (None, False)  # the limit


def test_the_demo_needs_no_compiler():
    """The demo imports the solver when it starts, which must be fast."""
    module = "arith_puzzle.dataset_builder.solver.solve"
    code = f"import sys, {module} as s; print(*s.solutions([1, 2], 3), 'numba' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "2+1=3 False\n"
