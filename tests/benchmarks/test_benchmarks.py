"""The benchmarks measure what they say; their tables and JSON hold the figures; their one command line is strict."""

import inspect
import json
from importlib import import_module

import numpy as np
import pytest

from arith_puzzle.dataset_builder.solver.labels import difficulty_rows
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from benchmarks import __main__ as command
from benchmarks import generation, metric_memory, people, solve, verifier
from tests.paths import ROOT, SHARED


def test_the_same_solution_stands_in_both_ways_of_writing():
    made = verifier.rows(500)
    assert len(made) == 500 and made == verifier.rows(500)
    right = [verify(row.numbers, row.target, row.response) for row in made]
    assert [verdict.reason for verdict in right] == ["ok", "wrong_target"] * 250
    tagged = [f"<answer>{row.expression}</answer>" for row in made]
    assert [verifier.peers_score(row.numbers, row.target, text) for row, text in zip(made, tagged, strict=True)] == [
        verdict.correct for verdict in right
    ]


def test_the_peers_approach():
    assert verifier.peers_score([2, 3, 4], 20, "so <answer>(2+3)*4</answer>")
    assert not verifier.peers_score([2, 3, 5], 20, "<answer>(2+3)*4</answer>")
    for text in ("(2+3)*4", "<answer>2+3</answer>", "<answer>(2+3)*x</answer>", "<answer>2+3*4)</answer>"):
        assert not verifier.peers_score([2, 3, 4], 20, text)
    assert not verifier.peers_score([2, 0], 2, "<answer>2/0</answer>")


def test_the_command_prints_the_table_and_writes_the_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verifier, "ROUNDS", 2)
    monkeypatch.setattr(verifier, "BATCH_COPIES", 2)
    made = verifier.rows(400)
    monkeypatch.setattr(verifier, "rows", lambda: made)
    out = tmp_path / "figures.json"
    assert command.main(["verifier", "--json", str(out)]) == 0
    measured = json.loads(out.read_text())
    results = measured["results"]
    assert (measured["rows"], measured["rounds"], results["verify"]["ratio"]) == (400, 2, 1)
    for name, item in results.items():
        assert item.get("skipped") == verifier.INSTALL_REASONING_GYM or item["per_second"] > 0
        if name not in ("peers, number check only", "reasoning-gym's countdown"):
            assert item["right"] == "200/400"
    printed = capsys.readouterr().out
    assert printed.strip() == verifier.table(measured)
    for name in results:
        assert name in printed


def test_first_solutions_are_timed_beside_plain_search(tmp_path, capsys, monkeypatch):
    for n, row in ((3, "84,70,80,96"), (4, "3,5,7,11,26"), (5, "3,6,7,51,58,4")):
        (tmp_path / f"cd{n}_test_dream.jsonl").write_text(json.dumps({"input": row}) + "\n")
    (tmp_path / "game24.csv").write_text("Rank,Puzzles\n1,3 3 8 8\n")
    monkeypatch.setattr(solve, "GENERATED", {6: 2})
    monkeypatch.setattr(solve, "TELEVISION", 2)
    monkeypatch.setattr(solve, "GIVE_UP", 0.05)
    out = tmp_path / "figures.json"
    assert command.main(["solve", "--countdown", str(tmp_path), "--repeats", "1", "--json", str(out)]) == 0
    measured = json.loads(out.read_text())
    assert [row["solved"] for row in measured.values()][:5] == [1, 1, 1, 1, 2] and len(measured) == 6
    assert all(row["plain_puzzles"] == row["puzzles"] and row["ratio"] >= 0 for row in measured.values())
    assert capsys.readouterr().out.strip() == solve.table(measured)
    assert solve.plain_first([3, 3, 8, 8], 24, solve.FRACTIONS) and not solve.plain_first([3, 3, 8, 8], 24, {})
    assert solve.plain_first([3, 5, 9], 15, {"rule": "subset"}) and not solve.plain_first([2, 2], 7, {})
    (tmp_path / "game24.csv").unlink()
    assert command.main(["solve", "--countdown", str(tmp_path)]) == 2
    assert "must hold cd3_test_dream.jsonl" in capsys.readouterr().err


@pytest.mark.slow
def test_the_memory_of_the_metric_is_that_of_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(metric_memory, "PREDICTIONS", 300)
    measured = metric_memory.run()
    assert measured["pass@1"] == 0.5 and 0.05 < measured["before_gb"] <= measured["peak_gb"] < 4
    assert ", below 4 GB" in metric_memory.table(measured)
    assert ", ABOVE 4 GB" in metric_memory.table(measured | {"peak_gb": 4.5})


@pytest.mark.slow
def test_a_whole_build_is_measured():
    measured = generation._build("starter", "rows")
    assert measured["rows"] == 303_000 and measured["seconds"] > 0 and 0.05 < measured["peak_gb"] < 4


@pytest.mark.parametrize("name", command.BENCHMARKS)
def test_every_benchmark_measures_and_prints(name):
    module = import_module(f"benchmarks.{name}")
    assert callable(module.table) and module.__doc__ and callable(module.run)
    options = {action.dest for action in command._parser()._actions}
    assert set(inspect.signature(module.run).parameters) - {"steps"} <= options


def test_several_benchmarks_share_one_file(tmp_path, capsys, monkeypatch):
    for module in (verifier, generation):
        monkeypatch.setattr(module, "run", lambda: {"figure": 1})
        monkeypatch.setattr(module, "table", lambda measured: f"figure {measured['figure']}")
    out = tmp_path / "figures.json"
    assert command.main(["verifier", "generation", "--json", str(out)]) == 0
    assert json.loads(out.read_text()) == {"verifier": {"figure": 1}, "generation": {"figure": 1}}
    assert capsys.readouterr().out == "figure 1\n\nfigure 1\n\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "unknown benchmark 'no-such'; known: generation, "),
        (["verifier", "--dataset", "x"], "--dataset does nothing for verifier; leave it out"),
        (["data_path"], "data_path needs --dataset"),
    ],
)
def test_bad_options_are_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.slow
def test_what_people_find_hard(tmp_path, capsys):
    """Games whose solve rate falls with our difficulty; and the committed figures, where the file is at hand."""
    numbers = np.random.default_rng(0).integers(1, 14, (30, 4))
    hard = np.nan_to_num(difficulty_rows(numbers, np.full(30, 24), bound=600), posinf=9)
    lines = [f"1,{' '.join(map(str, row))},{at},{100 - at}%" for row, at in zip(numbers, hard, strict=True)]
    games = tmp_path / "24.csv"
    games.write_text("Rank,Puzzles,AMT (s),Solved rate\n" + "\n".join(lines) + "\n")
    measured = people.run(games)
    assert (measured["games"], measured["unsolved"]) == (30, (hard == 9).sum())
    assert measured["spearman"]["solve rate"]["difficulty"] == {"value": -1, "ci95": [-1, -1]}
    assert 0.5 < measured["spearman"]["solve rate"]["num_solutions"]["value"] < 1
    assert command.main(["people", "--games", str(tmp_path / "none.csv")]) == 2
    assert "is not 24.csv" in capsys.readouterr().err
    public = SHARED / "data" / "countdown" / "game24.csv"
    if public.exists():
        assert people.run(public) == json.loads((ROOT / "results" / "difficulty" / "game24.json").read_text())
