"""The report: every number is from results files, cells without data stay blank, equal data give equal bytes."""

import itertools
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.markdown import code, table
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.evaluation.plots import plot_by_n, plot_heatmap, plot_loss, plot_reasons
from arith_puzzle.evaluation.report import cost_table, mcnemar, p_text, paired_table, reason_table, report, score_table
from arith_puzzle.evaluation.results import cells, grid, load_results
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.gsm8k_answer.score import score as gsm8k_score
from tests.commands import command
from tests.paths import ROOT

main = command("report")

pytest.importorskip("matplotlib", reason="plots need matplotlib")
Image = pytest.importorskip("PIL.Image")
TINY = ROOT / "results" / "tiny_cpu"


def _results(config, splits, *, every, name="m", **decoding):
    """Results of real verdicts. The puzzle is 2,1,...,1:2, and every ``every``-th row answers it correctly."""
    measured = {}
    for split in splits:
        spec = CONFIGS[config].splits[split]
        sizes = [spec.n_values[row % len(spec.n_values)] for row in range(60)]
        references = [{"numbers": [2] + [1] * (n - 1), "target": 2} for n in sizes]
        right = ["\n".join(["2*1=2"] * (n - 1)) for n in sizes]
        answers = [answer if row % every == 0 else "2*1=3" for row, answer in enumerate(right)]
        item = aggregate(answers, references)
        measured[split] = {"n": item.pop("num_puzzles"), **item}
    return {"name": name, "config": config, "splits": measured, "decoding": {"strategy": "greedy", **decoding}}


def test_cells_know_n_v_and_how_many_puzzles_each_n_has():
    found = cells([_results("1m", ["test", "ood_form"], every=4), _results("stress", ["n12", "v10000"], every=2)])
    assert [(c["v"], c["n"], c["puzzles"]) for c in found] == [
        (60, 5, 20), (60, 6, 20), (60, 7, 20), (60, 8, 60), (60, 12, 60),
        (10_000, 5, 20), (10_000, 6, 20), (10_000, 7, 20),
    ]  # fmt: skip
    assert found[3]["pass@1"] == 0.25
    low, high = found[3]["pass@1_ci95"]
    assert (low, high) == pytest.approx((0.1578, 0.3724), abs=5e-4)  # Wilson's for 15 of 60


def test_cells_leave_train_out_and_validation_where_test_is_there():
    both = _results("starter", ["train", "validation", "test"], every=3)
    assert {c["split"] for c in cells(both)} == {"test"}
    assert {c["split"] for c in cells(_results("starter", ["validation"], every=3))} == {"validation"}


def test_cells_refuse_what_cannot_be_right():
    with pytest.raises(InputError, match=r"N=5, V=60 is measured twice, by 1m/test and 10m/test"):
        cells([_results("1m", ["test"], every=3), _results("10m", ["test"], every=3)])
    broken = _results("starter", ["test"], every=3)
    broken["splits"]["test"]["pass@1"] += 0.01
    with pytest.raises(InputError, match="score it again"):
        cells(broken)
    with pytest.raises(InputError, match="is not a split of the dataset"):
        cells(_results("starter", ["test"], every=3) | {"config": "starters"})


def test_rows_of_ones_own_state_their_sizes():
    results = _results("starter", ["test"], every=3) | {"config": "mine"}
    results["splits"]["test"] |= {"puzzles_by_n": {"3": 30, "4": 30}, "max_number": 47}
    assert [(c["v"], c["n"], c["puzzles"]) for c in cells(results)] == [(47, 3, 30), (47, 4, 30)]
    assert grid(cells(results))[1][0] == 47


def test_labels_join_the_configs_of_a_model_and_part_its_decodings(tmp_path):
    parts = [_results("1m", ["test"], every=3, name="x/a", shots=0),
             _results("stress", ["n9"], every=3, name="x/a", shots=0, max_new_tokens=320),
             _results("1m", ["test"], every=4, name="x/a", shots=2),
             _results("1m", ["test"], every=4, name="b", shots=0)]  # fmt: skip
    for at, part in enumerate(parts):
        (tmp_path / f"{at}.json").write_text(json.dumps(part))
    found = load_results([tmp_path / f"{at}.json" for at in range(4)])
    assert {label: [part["config"] for part in group] for label, group in found.items()} == {
        "a, shots 0": ["1m", "stress"], "a, shots 2": ["1m"], "b": ["1m"]
    }  # fmt: skip
    assert found["b"] == [parts[3] | {"folder": str(tmp_path)}]


def _pixels(path):
    image = Image.open(path)
    assert image.width == 1280
    pixels = np.asarray(image.convert("RGBA")).astype(int)
    assert (pixels[..., 3] == 255).all() and (pixels[0, 0, :3] == 255).all()  # opaque: dark pages too
    return pixels[..., :3]


def _count(pixels, colour):
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return int((abs(pixels - wanted).max(axis=-1) <= 2).sum())


def test_by_n_draws_every_label_in_its_colour_and_at_its_height(tmp_path):
    results = {"a": _results("1m", ["test", "ood_numeric_100"], every=1), "b": _results("1m", ["test"], every=3)}
    data = plot_by_n(results, tmp_path / "x.png")
    pixels = _pixels(tmp_path / "x.png")
    panel = pixels[: len(pixels) * 3 // 4]  # above the legend
    height = {colour: np.mean([row for row in range(len(panel)) if _count(panel[row], colour) > 0])
              for colour in ("#0072B2", "#D55E00")}  # fmt: skip
    assert height["#D55E00"] - height["#0072B2"] > len(pixels) * 0.15  # a is right everywhere, b once in three
    assert [(point["label"], point["v"]) for point in data] == [("a", 60)] * 3 + [("a", 100)] * 3 + [("b", 60)] * 3


def test_the_heat_map_colours_what_is_measured_and_hatches_the_rest(tmp_path):
    from matplotlib import colormaps

    def colours(results):
        data = plot_heatmap(results, tmp_path / "x.png", label="m")
        pixels = _pixels(tmp_path / "x.png")
        return data, pixels, _count(pixels, "#f0f0f0")

    data, few, blank_with_few = colours(_results("stress", ["n9"], every=2))
    shade = "#" + "".join(f"{round(255 * part):02x}" for part in colormaps["cividis"](data[0]["pass@1"])[:3])
    cell = _count(few, shade)
    more, pixels, blank = colours([_results("stress", ["n9", "n15"], every=2)])
    assert [c["n"] for c in more] == [9, 15] and cell > 2000
    assert _count(pixels, shade) == pytest.approx(2 * cell, rel=0.15)  # the second cell, and nothing in between
    assert 0 < blank_with_few - blank < 2 * cell
    assert blank > 40 * (blank_with_few - blank)  # 65 cells, 63 of them blank


def test_reasons_are_drawn_in_proportion(tmp_path):
    data = plot_reasons({"a": _results("starter", ["test"], every=4)}, tmp_path / "x.png")
    assert data[0]["reasons"] == {"wrong_equation_count": 0.75, "ok": 0.25} and data[0]["n"] == 60
    pixels = _pixels(tmp_path / "x.png")
    bar = max(range(len(pixels)), key=lambda row: _count(pixels[row], "#F0E442"))
    assert _count(pixels[bar], "#F0E442") / _count(pixels[bar], "#009E73") == pytest.approx(3, rel=0.05)


def test_loss_returns_what_it_draws(tmp_path):
    log = json.loads((TINY / "run.json").read_text())["log"]
    data = plot_loss(log, tmp_path / "loss.png")
    assert [point["loss"] for point in data] == [record["loss"] for record in log if "loss" in record]
    assert _count(_pixels(tmp_path / "loss.png"), "#0072B2") > 1000
    with pytest.raises(InputError, match="has no loss"):
        plot_loss([{"train_runtime": 3.0, "step": 4}], tmp_path / "none.png")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The report of the committed results."""
    out = tmp_path_factory.mktemp("report")
    run = json.loads((TINY / "run.json").read_text())
    return out, report(load_results([TINY / "results.json"]), out, run=run)


def test_the_report_holds_the_numbers_of_the_files(tiny):
    out, record = tiny
    source = json.loads((TINY / "results.json").read_text())["adapter"]["splits"]["test"]
    text = (out / "report.md").read_text()
    low, high = source["pass@1_ci95"]
    assert f"| {source['n']:,} | **{source['pass@1']:.3f}** | {low:.3f} to {high:.3f} |" in text
    assert "57,600" in text and f"{source['reasons']['wrong_result']:.1%}" in text
    assert json.loads((out / "report.json").read_text()) == record
    assert set(record["plots"]) == {path.name for path in out.glob("*.png")} and len(record["plots"]) == 5
    assert all(f"]({name})" in text for name in record["plots"])
    by_n = {(p["label"], p["n"]): p["pass@1"] for p in record["plots"]["by_n.png"]}
    assert by_n["arith-puzzle-arith-tiny-lora", 4] == source["by_n"]["4"]


def test_the_same_results_give_the_same_bytes_whatever_the_users_settings(tiny, tmp_path):
    out, _ = tiny
    (tmp_path / "matplotlibrc").write_text("font.size: 20\naxes.facecolor: black\nbackend: svg\n")
    environment = os.environ | {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "SOURCE_DATE_EPOCH": "1"}
    command = [
        str(TINY / "results.json"),
        "--run",
        str(TINY / "run.json"),
        "--out",
        str(tmp_path / "again"),
    ]
    subprocess.run(
        [sys.executable, "-m", "arith_puzzle.cli", "report", *command], cwd=ROOT, env=environment, check=True
    )
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert [name for name in names if (out / name).read_bytes() != (tmp_path / "again" / name).read_bytes()] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot read"), ("{", "is not JSON"), ("[1]", "no results"), ('{"a": {"splits": {}}}', "no results")],
)
def test_bad_files_are_one_line_and_status_2(content, message, tmp_path, capsys):
    if content is not None:
        (tmp_path / "r.json").write_text(content)
    assert main([str(tmp_path / "r.json"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and "results.json of arith-puzzle score" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_matplotlib_the_error_is_the_install_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match="run: pip install matplotlib"):
        plot_by_n({"a": _results("starter", ["test"], every=3)}, tmp_path / "x.png")


def test_results_of_other_tasks_and_of_samples_have_their_scores_in_the_table(tmp_path):
    gsm8k = gsm8k_score([["#### 3", "#### 4"], ["#### 5", "no"]], ["#### 3", "#### 5"])
    sampled = aggregate([["2*1=2", "2*1=3"], ["2*1=3", "2*1=3"]], [{"numbers": [1, 2], "target": 2}] * 2, k=[1, 2])
    results = {
        "g": {"config": None, "splits": {"test": {"n": gsm8k.pop("num_problems"), **gsm8k}}},
        "s": {"config": "starter", "splits": {"train": {"n": sampled.pop("num_puzzles"), **sampled}},
              "decoding": {"strategy": "sample", "samples": 2, "shots": 8, "format": "natural"}},
    }  # fmt: skip
    record = report(results, tmp_path)
    scores = [line.split(" | ") for line in record["tables"]["Scores"].splitlines()]
    assert scores[0][-3:] == ["lenient pass@1", "maj1@2", "pass@2 |"]
    assert scores[2][1] == "`test`" and scores[2][4] == "**0.500**" and scores[2][-2] == "0.750"
    assert scores[3][2] == "natural, sample, 2 samples, 8-shot" and scores[3][-1] == "0.500 |"
    assert list(record["plots"]) == ["reasons.png"]  # nothing of `train` is drawn by N
    assert "`g`" not in record["tables"]["Verdicts"] and "not recorded" in record["tables"]["Cost"]


def test_a_table_is_markdown():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def _answered(folder, right, *, rows=40, first=0):
    """A results file with the answers beside it; ``right`` says which rows are solved."""
    puzzles = [{"numbers": [2, 3, 4 + first + row], "target": 9 + first + row} for row in range(rows)]
    solved = [f"2+3=5\n5+{puzzle['numbers'][2]}={puzzle['target']}" for puzzle in puzzles]
    answers = [text if right(row) else "2+3=5" for row, text in enumerate(solved)]
    folder.mkdir(parents=True)
    lines = [puzzle | {"response": answer} for puzzle, answer in zip(puzzles, answers, strict=True)]
    (folder / "generations-mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    item = aggregate(answers, puzzles)
    sizes = {"puzzles_by_n": {"3": rows}, "max_number": 60}
    content = {"name": folder.name, "config": None, "splits": {"mine": {"n": item.pop("num_puzzles"), **item, **sizes}}}
    (folder / "results.json").write_text(json.dumps(content))
    return str(folder)


def test_models_that_answered_the_same_rows_are_compared_in_pairs(tmp_path):
    strong = _answered(tmp_path / "strong", lambda row: row % 4 != 0)  # 30 of 40
    weak = _answered(tmp_path / "weak", lambda row: row % 2 == 0)  # 20, of which the strong one misses 10
    other = _answered(tmp_path / "other", lambda row: True, first=1)
    assert main([strong, weak, other, "--out", str(tmp_path / "report")]) == 0
    pairs = (tmp_path / "report" / "report.md").read_text().partition("## Pairs")[2].partition("##")[0]
    lines = [line for line in pairs.splitlines() if "| `mine` |" in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    expected = 2 * sum(math.comb(30, k) for k in range(11)) / 2**30
    assert cells[0] == ["`strong`", "`weak`", "`mine`", "40", "+0.250", "20", "10", f"{expected:.2g}"]
    assert [cell[3:5] for cell in cells[1:]] == [["40 / 40", "different rows: not compared"]] * 2


def test_names_of_others_are_text_in_the_tables(tmp_path):
    """GitHub and the Hub render the report: no name is markup, and none ends its cell."""
    hostile = _answered(tmp_path / "a`|``<b>[x](y)", lambda row: row % 2 == 0)
    found = load_results(
        [f"{folder}/results.json" for folder in (_answered(tmp_path / "b", lambda row: False), hostile)]
    )
    tables = "".join(make(found) for make in (score_table, reason_table, paired_table, cost_table))
    lines = [line for line in tables.splitlines() if "<b>" in line]
    assert len(lines) == 4 and all("```a`\\|``<b>[x](y)```" in line for line in lines)
    assert code("`x`") == "`` `x` ``" and code("a\nb") == "`a b`"
    assert p_text(mcnemar(0, 4000)) == "< 1e-99" and p_text(0.034) == "0.034"


def test_mcnemars_p_is_the_share_of_outcomes_at_least_as_extreme():
    for wins, losses in itertools.product(range(7), repeat=2):
        n = wins + losses
        far = abs(wins - losses)
        extreme = sum(abs(2 * sum(signs) - n) >= far for signs in itertools.product((0, 1), repeat=n))
        assert mcnemar(wins, losses) == pytest.approx(extreme / 2**n)
