"""Labels, reachable targets and canonical solutions of all rules against brute force and the paper's labels."""

import itertools
import math
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, normal_form
from arith_puzzle.dataset_builder.solver import analysis, search
from arith_puzzle.dataset_builder.solver.analysis import canonical_solution, labels, reachable
from arith_puzzle.dataset_builder.solver.canonical import canonical
from arith_puzzle.dataset_builder.solver.labels import count_solutions, difficulty_rows
from arith_puzzle.dataset_builder.solver.solve import find, solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import needed_steps, to_expression, verify


def _moves(a, b, rules):
    """All legal moves on two numbers as equations, by the text of the rules alone."""
    found = [(a, "+", b, a + b), (a, "-", b, a - b), (b, "-", a, b - a), (a, "*", b, a * b)]
    for x, y in ((a, b), (b, a)):
        if y and (rules["division"] != "exact" or Fraction(x) / y % 1 == 0):
            quotient = Fraction(x) / y
            found.append((x, "/", y, Fraction(math.trunc(quotient)) if rules["division"] == "integer" else quotient))
    return [move for move in found if move[1] in rules["operations"] and abs(move[3]) <= rules["bound"]]


def _trees(leaves, rules):
    """The value of every tree over the leaves, one by one."""
    if len(leaves) == 1:
        yield leaves[0]
        return
    first, *others = range(len(leaves))
    for size in range(len(others)):
        for chosen in itertools.combinations(others, size):
            left = [leaves[i] for i in (first, *chosen)]
            right = [leaves[i] for i in others if i not in chosen]
            for a, b in itertools.product(_trees(left, rules), _trees(right, rules)):
                yield from (c for *_, c in set(_moves(a, b, rules)))  # a-a and a/a are in it once


def _playouts(pool, equations, rules):
    """(equations, last number) of every play-out, one by one."""
    if len(pool) == 1:
        yield equations, pool[0]
    for i, j in itertools.combinations(range(len(pool)), 2):
        rest = [x for k, x in enumerate(pool) if k not in (i, j)]
        for move in _moves(pool[i], pool[j], rules):
            yield from _playouts([*rest, move[3]], [*equations, move], rules)


def _choices(numbers, rule, form):
    if rule == "all":
        return [list(numbers)]
    least = 1 if form == "expression" else 2
    return [list(some) for k in range(least, len(numbers) + 1) for some in itertools.combinations(numbers, k)]


def _first(numbers, target, rules):
    """The canonical solution, from all play-outs."""
    best = None
    for pool in _choices(numbers, rules["rule"], rules["form"]):
        for equations, last in _playouts(pool, [], rules):
            if last != target:
                continue
            ordered = normal_form(pool, equations) if equations else []
            if rules["rule"] == "subset" and ordered:
                ordered = needed_steps(numbers, ordered)
            middle = [abs(c) for *_, c in ordered[:-1]] or [0]
            key = (max(middle), sum(middle), len(ordered), [(-a, -b, OPERATORS.index(op)) for a, op, b, _ in ordered])
            if best is None or key < best[0]:
                best = (key, ordered)
    if best is None:
        return None
    if rules["form"] == "equations":
        return completion(best[1])
    return to_expression(numbers, best[1]) if best[1] else str(target)


RULES = [
    pytest.param(rule, division, form, operations, id=f"{rule}-{division}-{form}-{operations}")
    for rule, division, form, operations in [
        ("all", "exact", "equations", "+-*/"),
        ("all", "exact", "expression", "+-"),
        ("all", "exact", "equations", "*/"),
        ("all", "exact", "equations", "/"),
        ("all", "integer", "equations", "+-*/"),
        ("all", "integer", "expression", "+/"),
        ("all", "rational", "expression", "+-*/"),
        ("all", "rational", "expression", "-/"),
        ("subset", "exact", "equations", "+-*/"),
        ("subset", "exact", "expression", "+-*"),
        ("subset", "integer", "equations", "+-*/"),
        ("subset", "rational", "expression", "+-*/"),
    ]
]


@pytest.mark.parametrize(("rule", "division", "form", "operations"), RULES)
def test_against_brute_force(rule, division, form, operations):
    rng = random.Random(5)
    puzzles = [([3, 3, 8, 8], 24, 100), ([0, 0, 7, 9], 7, 90), ([-3, 2, 2], -6, 60), ([5, 5], 1, 5)]
    for _ in range(10):
        n, v = rng.choice([2, 3, 3, 4]), rng.choice([4, 10, 60])
        puzzles.append(
            (rng.choices(range(0 if v == 4 else 1, v + 1), k=n), rng.randint(-1, v), rng.choice([v, 10 * v]))
        )
    for numbers, target, bound in puzzles:
        if form == "expression" and min(numbers) < 0:
            continue
        rules = {"bound": bound, "rule": rule, "division": division, "operations": operations, "form": form}
        exact = list(map(Fraction, numbers))
        trees, ends = Counter(), Counter()
        for pool in _choices(exact, rule, form):
            trees.update(_trees(pool, rules))
            ends.update(last for _, last in _playouts(pool, [], rules))
        wanted = {int(value) for value in trees if value.denominator == 1}
        assert reachable(numbers, **rules) == wanted, numbers
        for goal in {target, 0, 1, *rng.sample(sorted(wanted), min(3, len(wanted)))}:
            count, difficulty = labels(numbers, goal, **rules)
            assert count == trees[goal], (numbers, goal)
            share = -math.log10(ends[goal] / ends.total()) if ends[goal] else math.inf
            assert difficulty == pytest.approx(share, rel=1e-6), (numbers, goal)
            text = canonical_solution(numbers, goal, **rules)
            assert (text is not None) == (count > 0)
            assert text is None or verify(numbers, goal, text, division=division, rule=rule, form=form).correct
            found, proved = find(numbers, goal, **rules)
            assert proved and (found is None) == (text is None)
            assert found is None or set(found) - set("0123456789()=\n-") <= set(operations)
            assert any(True for _ in solutions(numbers, goal, **rules)) == (text is not None)
        assert canonical_solution(numbers, target, **rules) == _first(exact, target, rules), (numbers, target)


def test_the_papers_labels_are_the_same():
    """The general code, without its short cut to the compiled code, on puzzles of the dataset's kind."""
    rng = random.Random(6)
    for n, rows in ((2, 20), (3, 100), (4, 100), (5, 40), (6, 4)):
        numbers = np.array(
            [rng.choices(range(1, 61), k=n) if n < 4 else rng.sample(range(1, 61), n) for _ in range(rows)]
        )
        targets = np.array([rng.randint(1, 60) for _ in range(rows)])
        counts, shares = count_solutions(numbers, targets, bound=600), difficulty_rows(numbers, targets, bound=600)
        best, found = canonical(numbers, targets, 600)
        paper = {"bound": 600, "rule": "all", "division": "exact", "operations": OPERATORS, "form": "equations"}
        for row in range(rows):
            puzzle = numbers[row].tolist(), int(targets[row])
            count, share = analysis._labels(*puzzle, **paper)
            assert count == counts[row] and share == pytest.approx(shares[row], rel=1e-6)
            assert labels(*puzzle, bound=600) == (count, pytest.approx(share, rel=1e-6))
            wanted = [(a, OPERATORS[op], b, c) for a, op, b, c in best[row].tolist()] if found[row] else None
            assert analysis._canonical(*puzzle, **paper) == wanted
            assert canonical_solution(*puzzle, bound=600) == (wanted and completion(wanted))


def test_the_command_counts(capsys):
    assert main(["solve", "3,6,7,51,58:4", "--count"]) == 0
    count, difficulty = labels([3, 6, 7, 51, 58], 4, bound=600)
    best = canonical_solution([3, 6, 7, 51, 58], 4, bound=600)
    wanted = f"num_solutions: {count}\ndifficulty: {difficulty:.4f}\nbound: 600\ncanonical solution:\n{best}\n"
    assert capsys.readouterr().out == wanted
    assert main(["solve", "3,3,8,8:24", "--count", "--form", "expression", "--division", "rational"]) == 0
    assert capsys.readouterr().out.endswith("canonical solution:\n8/(3-8/3)\n")
    assert main(["solve", "3,3,8,8:24", "--count", "--operations=+-", "--rule", "subset", "--bound", "100"]) == 1
    assert "(rule subset, exact division, operations +- and |intermediate| <= 100)" in capsys.readouterr().out
    assert main(["solve", "3,5:15", "--operations", "+"]) == 1
    assert main(["solve", "3,5:15", "--operations", "*"]) == 0
    for arguments, said in ((["--count", "--all"], "leave out --all"), (["--operations", "x"], "some of + - * /")):
        assert main(["solve", "3,5:15", *arguments]) == 2
        assert said in capsys.readouterr().err


def test_limits_are_one_line(monkeypatch):
    for numbers, options, said in (
        ([1] * 8, {"division": "integer", "bound": 600}, "2 to 7 numbers under rule all and integer division; got 8"),
        ([1] * 9, {"bound": 600}, "2 to 8 numbers"),
        ([1, 2], {"operations": "+^", "bound": 600}, r"some of \+ - \* /, such as \+-\*; got '\+\^'"),
        ([1, 2], {"operations": "", "bound": 600}, "got ''"),
        ([1, 20], {"rule": "subset", "bound": 10}, "within the bound ±10; got 20"),
        ([10**9] * 4, {"rule": "subset", "bound": 10**10}, "too large for exact labels"),
        ([-1, 2], {"form": "expression", "bound": 9}, "negative number -1"),
    ):
        with pytest.raises(InputError, match=said):
            labels(numbers, 5, **options)
    with pytest.raises(ValueError, match="needs form 'expression'"):
        reachable([1, 2], bound=5, division="rational")
    monkeypatch.setattr(analysis, "MAX_PAIRS", 1000)
    with pytest.raises(InputError, match="more than 1,000 pairs of values; lower the bound 600"):
        labels([1, 2, 3, 4, 5, 6], 21, bound=600, rule="subset")
    monkeypatch.setattr(search, "MAX_STEPS", 1000)
    with pytest.raises(InputError, match="not found within the limit"):
        canonical_solution([11, 27, 33, 48, 52, 59], 7, bound=None, division="integer")
