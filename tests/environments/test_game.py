"""The rules of an episode, and that its verdict is that of ``verify``."""

import importlib
import importlib.util
import json
import random
from fractions import Fraction

import pytest

import arith_puzzle
from arith_puzzle.common.errors import InputError
from arith_puzzle.environments.episodes import CONFIG_FILE, configs, draw, given
from arith_puzzle.environments.game import MAX_TURNS, Game, Puzzle, apply, oracle
from arith_puzzle.metrics.arith_puzzle_verifier.verify import parse_equation, trace, verify
from tests.paths import ROOT, SHARED

PAPER = Puzzle((3, 6, 7, 51, 58), 4)
SOLUTION = "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"
FILES = [
    *(ROOT / "tests" / "metrics" / name for name in ("cases.jsonl", "form_cases.jsonl")),
    *(SHARED / "cases" / name for name in ("verifier.jsonl", "expressions.jsonl")),
]


def play(game, solution):
    for a, op, b, _ in map(parse_equation, solution.splitlines()):
        said = game.combine(str(a), op, b)
    return said


def test_a_game_by_moves_and_by_an_answer():
    game = Game(PAPER)
    assert play(game, SOLUTION) == "-3+7=4. Board: 4. Target: 4. Solved."
    assert (game.done, game.reward, game.verdict.reason, game.solution) == (True, 1.0, "ok", SOLUTION)
    game = Game(PAPER)
    assert (game.answer(SOLUTION), game.reward) == ("Solved.", 1.0)


def test_what_is_not_allowed_is_said_and_changes_nothing():
    game = Game(PAPER)
    for move, said in (
        (("58", "-", "52"), "Not a move: 52 is not on the board. Board: 3 6 7 51 58. Target: 4."),
        (("7", "+", "7"), "Not a move: 7 is not on the board twice. Board: 3 6 7 51 58. Target: 4."),
        (("7", "/", "3"), "Not a move: 7/3: the quotient is not an integer, and division is exact."),
        (("x", "+", "3"), "Not a move: 'x' is no number, such as 7 or -3."),
        (("0x7", "+", "3"), "Not a move: '0x7' is no number, such as 7 or -3."),
        ((None, "+", []), "Not a move: 'None' is no number, such as 7 or -3."),
        (("9" * 5000, "+", "3"), f"Not a move: '{'9' * 30}' is no number, such as 7 or -3."),
        (("3", "**", "6"), "Not a move: '**' is none of + - * /."),
        (("3", "+-", "6"), "Not a move: '+-' is none of + - * /."),
        (("3", "", "6"), "Not a move: '' is none of + - * /."),
    ):
        assert game.combine(*move) == said
    assert game.undo() == "There is no move to undo."
    assert (game.pool, game.done, game.turns) == ([3, 6, 7, 51, 58], False, 11)
    game.combine(6, "-", 7)
    game.combine(58, "-", 51)
    assert game.pool == [-1, 3, 7]
    assert game.undo() == "Undone: 58-51=7. Board: -1 3 51 58. Target: 4."


def test_a_board_without_the_target_can_be_undone():
    game = Game(given([2, 3], 5))
    assert game.combine(2, "*", 3) == "2*3=6. Board: 6. Target: 5. That is not the target: undo a move."
    assert not game.done
    game.undo()
    assert game.combine(2, "+", 3).endswith("Solved.")
    assert game.undo() == "The episode is over. Reset to begin another." and game.reward == 1.0


def test_an_episode_ends():
    game = Game(PAPER)
    for _ in range(MAX_TURNS):
        assert not game.done
        game.undo()
    assert game.done and game.reward == 0.0
    assert game.message == f"There is no move to undo. The episode is over: its {MAX_TURNS} turns are used."


def test_numbers_stay_short_enough_to_print():
    game = Game(Puzzle(tuple(10**9 - at for at in range(15)), 1), max_turns=10**6)
    while len(game.pool) > 1 and not game.message.startswith("Not"):
        game.combine(game.pool[-1], "*", game.pool[-2])
    assert all(abs(number) < 10**400 for number in game.pool)


@pytest.mark.parametrize("path", [path for path in FILES if path.is_file()], ids=lambda path: path.name)
def test_the_verdict_is_that_of_verify(path):
    for case in map(json.loads, path.read_text().splitlines()):
        rules = {name: case[name] for name in ("rule", "division", "form") if name in case}
        game = Game(Puzzle(tuple(case["numbers"]), case["target"], rules))
        game.answer(case["response"])
        assert (game.verdict.correct, game.verdict.reason) == (case["correct"], case["reason"]), case
        assert game.done and game.reward == float(case["correct"])


def test_a_move_is_allowed_if_the_verifier_allows_the_equation():
    chance = random.Random(0)
    for _ in range(2000):
        a, b, op = chance.randint(-9, 9), chance.randint(-9, 9), chance.choice("+-*/")
        division = chance.choice(["exact", "integer"])
        reason, result = apply(a, op, b, division)
        (step,) = trace([a, b], f"{a}{op}{b}={result}", division=division)
        assert step.reason == reason, (a, op, b, division)


@pytest.mark.parametrize(
    ("numbers", "target", "rules", "moves", "answer"),
    [
        ([3, 3, 8, 8], 24, {"form": "expression", "division": "rational"},
         [(8, "/", 3), (3, "-", "8/3"), (8, "/", "1/3")], "8/(3-8/3)"),
        ([1, 3, 8, 8], 24, {"rule": "subset"}, [(3, "*", 8)], "3*8=24"),
        ([-7, 2, 5], 2, {"division": "integer"}, [(-7, "/", 2), (-3, "+", 5)], "-7/2=-3\n-3+5=2"),
    ],
)  # fmt: skip
def test_boards_follow_the_puzzles_own_rules(numbers, target, rules, moves, answer):
    game = Game(given(numbers, target, rules))
    for move in moves:
        assert not game.done
        game.combine(*move)
    assert game.done and game.solution == answer and verify(numbers, target, answer, **rules).correct
    assert isinstance(game.pool[-1], int) and apply(1, "/", 3, "rational") == ("ok", Fraction(1, 3))


@pytest.mark.parametrize(("config", "split"), [("starter", "test"), ("1m", "ood_form"), ("stress", "n15")])
def test_the_oracle_solves_what_is_drawn(config, split):
    for seed in range(4):
        puzzle = draw(config, split, seed)
        game = Game(puzzle)
        play(game, oracle(puzzle))
        assert game.reward == 1.0 and puzzle == draw(config, split, seed)


def test_an_episode_is_a_row_of_the_dataset_with_its_seed():
    for seed in (0, 1, 7):
        row = arith_puzzle.generate("starter", "test", rows=2, seed=seed)[seed % 2]
        assert draw("starter", "test", seed) == Puzzle(tuple(row["numbers"]), row["target"])
    assert {len(draw("1m", "train", seed).numbers) for seed in range(3)} == {5, 6, 7}


def test_bad_input_is_one_line(tmp_path, monkeypatch):
    bad = [
        lambda: draw("nope", "test", 0), lambda: draw("starter", "nope", 0), lambda: draw("starter", "test", -1),
        lambda: draw("starter", "test", "1"), lambda: draw("starter", "test", 2**70), lambda: given([1], 1),
        lambda: given([1, "x"], 1), lambda: given([1, 2], 3, {"rule": "most"}),
        lambda: given([1, 2], 3, {"rules": "all"}),
        lambda: given([-1, 2], 3, {"form": "expression"}), lambda: given([1, 2], 3, 7),
        lambda: draw(str(tmp_path / "mine.yaml"), "test", 0),
    ]  # fmt: skip
    (tmp_path / "mine.yaml").write_text("name: mine\nv: 60\nsizes: {3: 1}\nrule: subset\nsplits: {test: {rows: 5}}\n")
    for call in bad:
        with pytest.raises(InputError) as caught:
            call()
        assert "\n" not in str(caught.value)
    monkeypatch.setenv(CONFIG_FILE, str(tmp_path / "mine.yaml"))
    assert "mine" in configs() and draw("mine", "test", 3).rules["rule"] == "subset"


@pytest.mark.skipif(importlib.util.find_spec("openenv") is not None, reason="openenv is installed")
def test_a_client_without_openenv_is_one_line():
    with pytest.raises(InputError, match=r"needs openenv, which is not installed; run: pip install '.*\[openenv\]'"):
        importlib.import_module("arith_puzzle.environments.trl")
