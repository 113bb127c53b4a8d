"""Text formats, keys, the partition and the normal form."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import (
    completion,
    normal_form,
    parse_completion,
    parse_puzzle,
    partition_mask,
    puzzle_key,
    puzzle_keys,
    symbolic_prompt,
)

PAPER = [(58, "-", 51, 7), (6, "-", 7, -1), (3, "*", -1, -3), (-3, "+", 7, 4)]


def test_formats_are_the_contracts():
    assert symbolic_prompt([58, 3, 7, 6, 51], 4) == "3,6,7,51,58:4\n"
    assert completion(PAPER) == "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"
    assert parse_completion("58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4\n") == PAPER


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=15), st.integers(-(10**9), 10**9))
def test_a_prompt_parses_back(numbers, target):
    assert parse_puzzle(symbolic_prompt(numbers, target)) == (sorted(numbers), target)


@pytest.mark.parametrize(
    "text",
    ["", "3,4", "3:4", "3,,4:5", "03,4:5", "3, 4:5", "3,4:5:6", "-0,4:5", "\uff13,4:5", "9" * 11 + ",1:2", "1,1" * 300,
     ",".join(["1"] * 16) + ":2", "__import__('os'):1"],
)  # fmt: skip
def test_a_bad_puzzle_is_one_clear_line(text):
    with pytest.raises(InputError) as caught:
        parse_puzzle(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def _splitmix_key(numbers, target):
    """The documented definition, in plain integers."""
    mask, h = (1 << 64) - 1, len(numbers)
    for value in [*sorted(numbers), target]:
        h = ((h ^ (value & mask)) + 0x9E3779B97F4A7C15) & mask
        h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & mask
        h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & mask
        h ^= h >> 31
    return h


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=9), st.integers(-(10**9), 10**9), st.randoms())
def test_the_key_is_the_documented_one_and_ignores_order(numbers, target, rng):
    shuffled = rng.sample(numbers, len(numbers))
    assert puzzle_key(shuffled, target) == puzzle_key(numbers, target) == _splitmix_key(numbers, target)


def test_partitions_are_disjoint_and_cover_everything():
    rng = np.random.default_rng(0)
    keys = puzzle_keys(np.sort(rng.integers(1, 61, (200_000, 5)), axis=1), rng.integers(1, 61, 200_000))
    masks = [partition_mask(keys, split) for split in ("train", "validation", "test")]
    assert (sum(mask.astype(int) for mask in masks) == 1).all()
    assert [round(float(mask.mean()), 2) for mask in masks] == [0.94, 0.03, 0.03]


def _plays(numbers, equations):
    pool = Counter(numbers)
    for a, _, b, c in equations:
        pool[a] -= 1
        pool[b] -= 1
        if min(pool[a], pool[b]) < 0:
            return False
        pool[c] += 1
    return True


def _random_solution(rng, n):
    numbers = [rng.randint(1, 9) for _ in range(n)]
    pool, equations = list(numbers), []
    while len(pool) > 1:
        a, b = (pool.pop(rng.randrange(len(pool))) for _ in range(2))
        op = rng.choice("+-*")
        c = {"+": a + b, "-": a - b, "*": a * b}[op]
        equations.append((a, op, b, c))
        pool.append(c)
    return numbers, equations


def test_normal_form_is_one_for_all_orders_and_commutations():
    rng = random.Random(1)
    for _ in range(400):
        numbers, equations = _random_solution(rng, rng.randint(2, 6))
        normal = normal_form(numbers, equations)
        assert _plays(numbers, normal)
        other = [(b, op, a, c) if op in "+*" and rng.random() < 0.5 else (a, op, b, c) for a, op, b, c in equations]
        for _ in range(6):
            shuffled = rng.sample(other, len(other))
            if _plays(numbers, shuffled):
                assert normal_form(numbers, shuffled) == normal


def test_normal_form_gets_out_of_a_dead_end_of_equal_values():
    # 7-3 first would use up the only 7 before 7*1=7 can be played
    assert normal_form([7, 1, 3], [(7, "*", 1, 7), (7, "-", 3, 4)]) == [(7, "*", 1, 7), (7, "-", 3, 4)]


def test_normal_form_refuses_what_cannot_be_formed():
    with pytest.raises(InputError, match="cannot be formed"):
        normal_form([1, 2], [(1, "+", 3, 4)])
