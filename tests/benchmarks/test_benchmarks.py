"""The benchmarks judge what they say they judge, and their tables and JSON hold what was measured."""

import json

from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from benchmarks import metric_memory, run, verifier


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
    assert run.main(["--only", "verifier", "--json", str(out)]) == 0
    measured = json.loads(out.read_text())["verifier"]
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


def test_the_memory_of_the_metric_is_that_of_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(metric_memory, "PREDICTIONS", 300)
    measured = metric_memory.run()
    assert measured["pass@1"] == 0.5 and 0.05 < measured["before_gb"] <= measured["peak_gb"] < 4
    assert ", below 4 GB" in metric_memory.table(measured)
    assert ", ABOVE 4 GB" in metric_memory.table(measured | {"peak_gb": 4.5})
