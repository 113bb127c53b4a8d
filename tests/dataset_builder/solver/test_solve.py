"""The solver of one puzzle against brute force, on repeats, zeros, wide numbers and more than 8 of them."""

import csv
import itertools
import json
import math
import random
import subprocess
import sys
import time
from fractions import Fraction

import pytest

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import completion, normal_form
from arith_puzzle.dataset_builder.solver import search as module
from arith_puzzle.dataset_builder.solver.solve import LimitReached, default_bound, find, solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    DIVISIONS,
    FORMS,
    RULES,
    needed_steps,
    response_key,
    solution_key,
    verify,
)
from tests.paths import SHARED

COUNTDOWN = SHARED / "data" / "countdown"


def playouts(pool, equations, bound, division="exact"):
    """Every play-out of the rules, as (equations, last number): slow and plain."""
    if len(pool) == 1:
        yield equations, pool[0]
    for i, j in itertools.permutations(range(len(pool)), 2):
        a, b = pool[i], pool[j]
        rest = [x for k, x in enumerate(pool) if k not in (i, j)]
        found = [("-", a - b)]
        if i < j:
            found += [("+", a + b), ("*", a * b)]
        if b and (division != "exact" or a % b == 0):
            quotient = Fraction(a) / b
            found.append(("/", math.trunc(quotient) if division == "integer" else quotient))
        for op, c in found:
            if abs(c) <= bound:
                yield from playouts([*rest, c], [*equations, (a, op, b, c)], bound, division)


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


OPTIONS = [
    pytest.param(rule, division, form, id=f"{rule}-{division}-{form}")
    for rule, division, form in itertools.product(RULES, DIVISIONS, FORMS)
    if (division, form) != ("rational", "equations")
]


@pytest.mark.parametrize(("rule", "division", "form"), OPTIONS)
def test_every_rule_against_brute_force(rule, division, form):
    rng = random.Random(1)
    puzzles = [([1, 1, 1, 1], 2), ([2, 4, 8, 9], 1)]
    for _ in range(12):
        n, v = rng.choice([2, 3, 3, 4]), rng.choice([4, 10])
        puzzles.append((sorted(rng.choices(range(0 if v == 4 else 1, v + 1), k=n)), rng.randint(-1, 2 * v)))
    for numbers, target in puzzles:
        chosen = {tuple(each) for k in range(1, len(numbers) + 1) for each in itertools.combinations(numbers, k)}
        wanted = {
            solution_key(needed_steps(numbers, equations)) if equations else ()
            for pool in (chosen if rule == "subset" else [numbers])
            if len(pool) > 1 or form == "expression"
            for equations, last in playouts(list(pool), [], math.inf, division)
            if last == target
        }
        options = {"rule": rule, "division": division, "form": form}
        found = list(solutions(numbers, target, **options))
        keys = [response_key(numbers, text, **options) for text in found]
        assert len(keys) == len(set(keys)) and set(keys) == wanted, (numbers, target)
        assert all(verify(numbers, target, text, **options).correct for text in found)
        text, proved = find(numbers, target, **options)
        assert proved and (text is not None) == bool(wanted)
        assert text is None or verify(numbers, target, text, **options).correct


def test_a_typed_puzzle_has_no_bound_unless_one_is_given(capsys):
    """The numbers are a row of the public CD3: 84*80 = 6,720 is above the dataset's bound."""
    numbers, target = [84, 70, 80], 96
    assert next(solutions(numbers, target, bound=default_bound(numbers, target)), None) is None
    assert find(numbers, target) == ("84*80=6720\n6720/70=96", True)
    assert main(["solve", "84,70,80:96"]) == 0 and capsys.readouterr().out == "84*80=6720\n6720/70=96\n"
    assert main(["solve", "84,70,80:96", "--bound", "840"]) == 1
    assert "no solution: 84,70,80:96 cannot be reached (rule all, exact division and |intermediate| <= 840)" in (
        capsys.readouterr().out
    )


def test_the_command_solves_by_every_rule(capsys):
    for arguments, printed in (
        (["3,3,8,8:24", "--form", "expression", "--division", "rational"], "8/(3-8/3)\n"),
        (["25,50,75,100,3,6:300", "--rule", "subset", "--form", "expression"], "50*6\n"),
        (["1,3:3", "--rule", "subset", "--form", "expression", "--all"], "3\n3*1\n3/1\n"),
    ):
        assert main(["solve", *arguments]) == 0
        assert sorted(capsys.readouterr().out.split("\n")) == sorted(printed.split("\n"))
    assert main(["solve", "1,3:7", "--rule", "subset"]) == 1
    assert "no solution" in capsys.readouterr().out
    for arguments, said in (
        (["3,3,8,8:24", "--division", "rational"], "--division rational needs --form expression"),
        (["-3,8:5", "--form", "expression"], "cannot contain the negative number -3"),
    ):
        assert main(["solve", *arguments[1:], "--", arguments[0]]) == 2
        assert said in capsys.readouterr().err


def test_a_limit_is_no_proof(monkeypatch, capsys):
    monkeypatch.setattr(module, "MAX_STEPS", 50)
    puzzle = ([99991, 81017, 64007, 49003], 77777)
    assert find(*puzzle) == (None, False)
    with pytest.raises(LimitReached):
        list(solutions(*puzzle))
    assert main(["solve", "99991,81017,64007,49003:77777"]) == 1
    assert capsys.readouterr().out == "not found within the limit: 99991,81017,64007,49003:77777\n"
    monkeypatch.setattr(module, "MAX_STEPS", 1000)
    assert main(["solve", "1,2,3,4,5,6:21", "--all"]) == 0
    assert capsys.readouterr().out.endswith("\nthe search reached its limit; there may be more\n")


PRIMES = [99991, 81017, 64007, 49003, 36007, 25013, 16001, 9001]
WIDE = [999999937 - 1234567 * at for at in range(8)]


@pytest.mark.parametrize(
    ("numbers", "options"),
    [
        pytest.param(PRIMES, {"division": "rational", "form": "expression"}, id="fractions"),
        pytest.param(WIDE, {"division": "rational", "form": "expression", "rule": "subset"}, id="fractions-subset"),
        pytest.param(PRIMES, {"division": "integer"}, id="truncated"),
        pytest.param(WIDE, {"division": "integer", "rule": "subset"}, id="truncated-subset"),
        pytest.param([1000000 + 7919 * at for at in range(15)], {}, id="fifteen"),
    ],
)
def test_the_limit_is_one_of_time_and_memory(monkeypatch, numbers, options):
    """A tenth of the limit takes about a second of the processor, whatever the rules."""
    monkeypatch.setattr(module, "MAX_STEPS", module.MAX_STEPS // 10)
    monkeypatch.setattr(module, "MAX_VALUES", module.MAX_VALUES // 10)
    started = time.thread_time()
    assert find(numbers, 77777, **options) == (None, False)
    with pytest.raises(LimitReached):
        list(solutions([1, 2, 3, 4, 5, 6, 7, 8], 24, **options))
    assert time.thread_time() - started < 20


def test_all_searches_of_a_call_share_its_limit(monkeypatch):
    spent = []
    monkeypatch.setattr(module.Budget, "spend", lambda self, steps, values=0: spent.append(id(self)))
    find([3, 5, 7], 1000, division="rational", form="expression")
    assert len(set(spent)) == 1


@pytest.mark.slow
@pytest.mark.skipif(not COUNTDOWN.exists(), reason="needs public data that a clone lacks: CD3, CD4, CD5 and 24")
def test_all_public_countdown_rows_and_games_of_24_are_solved():
    for path in sorted(COUNTDOWN.glob("cd*.jsonl")):
        for line in path.read_text().splitlines():
            *numbers, target = map(int, json.loads(line)["input"].split(","))
            text, proved = find(numbers, target)
            assert proved and verify(numbers, target, text).correct, line
    games = list(csv.DictReader((COUNTDOWN / "game24.csv").open()))
    by_fractions = 0
    for game in games:
        numbers = list(map(int, game["Puzzles"].split()))
        options = {"form": "expression", "division": "exact"}
        if find(numbers, 24, **options) == (None, True):
            by_fractions += 1
            options["division"] = "rational"
        text, _ = find(numbers, 24, **options)
        assert verify(numbers, 24, text, **options).correct, game
    assert (len(games), by_fractions) == (1362, 16)


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
    texts = list(solutions(numbers, target, bound=600))
    assert len(texts) == len(set(texts)) == count
    assert all(verify(numbers, target, text).correct for text in texts)


def test_what_no_way_leads_to_is_proved():
    assert next(solutions([99991, 81017, 64007, 49003, 36007, 25013, 16001, 9001], 77777, bound=10**6), None) is None
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
