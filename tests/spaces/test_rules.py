"""The demo for puzzles by other rules than the paper's: asking, judging, solving and the board follow them."""

import ast
import json
from fractions import Fraction

import backend
import logic
import puzzles
import pytest
import render
import tree
import workers
import yaml

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import natural_prompt
from arith_puzzle.dataset_builder.solver.solve import solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from tests.spaces.test_parts import leaves, value

RATIONAL = {"rule": "subset", "division": "rational", "form": "expression"}
TRUNCATED = {"rule": "subset", "division": "integer", "form": "equations"}


@pytest.fixture(scope="module")
def solver():
    pool = workers.Workers(1)
    yield pool
    pool.close()


def test_expressions_are_trees():
    for text in solutions([3, 3, 8, 8], 24, division="rational", form="expression"):
        root = tree.read_tree([3, 3, 8, 8], text, "rational")
        assert value(ast.parse(tree.expression(root), mode="eval").body) == 24 and sorted(leaves(root)) == [3, 3, 8, 8]
        assert "8/3" in tree.picture(root)
    assert tree.read_tree([4, 7], "7").value == 7
    assert tree.expression(tree.read_tree([2, 7, 9], "7/2", "integer")) == "7/2"
    assert tree.read_tree([2, 7, 9], "7/2", "integer").value == 3


def test_answers_are_judged_by_the_rules():
    right = logic.judge("3,3,8,8,5", 24, "8/(3-8/3)", rules=RATIONAL)
    assert right["correct"] and right["steps"] == []  # fractions have no lines
    assert "8/(3-8/3)" in render.judged(right)
    whole = logic.judge("2,5,9", 14, "9+5", rules=RATIONAL)
    assert whole["correct"] and [step["text"] for step in whole["steps"]] == ["9+5=14"]
    assert logic.judge("2,5,9", 14, "9+5")["reason"] == "malformed_equation"
    board = logic.judge("2,5,9", 14, "9+5=14", rules=RATIONAL)  # what the board sends
    assert board["correct"] and board["steps"][0]["left"] == "2,14"
    assert not logic.judge("2,5,9", 14, "9+6=15", rules=RATIONAL)["correct"]
    assert logic.judge("2,7,9", 3, "7/2=3", rules=TRUNCATED)["correct"]
    prose = logic.judge("2,5,9", 14, "The answer is <answer>9 + 5</answer>", True, RATIONAL)
    assert not prose["correct"] and prose["lenient"]["correct"]
    assert render.judged(logic.judge("2,5,9", 14, "((", rules=RATIONAL))


@pytest.mark.parametrize("rules", [RATIONAL, TRUNCATED, RATIONAL | {"rule": "all"}], ids=str)
def test_the_solver_follows_them(solver, rules):
    result = logic.solve("3,3,8,8", 24, solver, rules)
    assert result["complete"]
    for text in result["solutions"]:
        assert verify([3, 3, 8, 8], 24, text, **rules).correct
    assert (set(result["solutions"]) == set(solutions([3, 3, 8, 8], 24, bound=600, **rules))) and render.solved(result)
    far = logic.solve("2,3", 50, solver, rules)
    assert far["solvable"] is False and "no solution" in far["verdict"]
    near = logic.nearest("2,3", 50, solver, rules)
    assert near["nearest"] == 6 and "can be reached" in render.solved(far, near)


def test_the_model_is_asked_by_them():
    asked = []

    def draw(prompt, *_):
        asked.append(prompt)
        return ["9+5"]

    result = logic.ask("2,5,9", 14, 1, 0, 0, draw, "natural", RATIONAL)
    assert result["correct"] and asked == [natural_prompt([2, 5, 9], 14, **RATIONAL)]
    assert [each["correct"] for each in logic.watch([2, 5, 9], 14, iter(["9", "9+5"]), "natural", RATIONAL)] == [
        False, True, True,
    ]  # fmt: skip


def test_the_page_takes_them_from_the_dataset_or_the_settings(tmp_path):
    content = {"name": "own", "v": 20, "sizes": {3: 1}, "splits": {"test": {"rows": 20}}, **RATIONAL}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(content))
    assert main(["build", "--config", str(tmp_path / "own.yaml"), "--out", str(tmp_path / "rows")]) == 0
    drawn = puzzles.Puzzles(backend.Settings(dataset=str(tmp_path / "rows"), config="own"))
    assert drawn.rules == {} and drawn.draw("test", "easy")["rule"] == "subset" and drawn.rules == RATIONAL
    (tmp_path / "settings.json").write_text(json.dumps({"rules": TRUNCATED}))
    settings = backend.Settings.read(tmp_path / "settings.json", {})
    assert puzzles.Puzzles(settings).draw(puzzles.MADE_HERE, "easy")["rule"] == "subset"
    for wrong in ({"rule": "some"}, ["rule"], {"division": "rational"}):
        (tmp_path / "settings.json").write_text(json.dumps({"rules": wrong}))
        with pytest.raises(InputError, match=r"settings\.json: rules: "):
            backend.Settings.read(tmp_path / "settings.json", {})


def test_fractions_are_shown_as_fractions():
    root = tree.read_tree([3, 3, 8, 8], "8/(3-8/3)", "rational")
    assert root.right.value == Fraction(1, 3) and "is 1/3." in tree.spoken(root)
