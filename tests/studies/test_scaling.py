"""Scaling: the fit's intervals contain a known line as often as stated; a small study runs end to end and resumes."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from arith_puzzle.dataset_builder import generate
from arith_puzzle.dataset_builder.configs import CONFIGS, with_solutions
from arith_puzzle.evaluation.plots import plot_scaling
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.studies import scaling
from arith_puzzle.studies.fit import fit_log_linear, t_quantile
from arith_puzzle.studies.study import Arm, arm_config, build_commands, load_study, trainings
from arith_puzzle.training.recipe import load_recipe
from tests.commands import command
from tests.paths import ROOT

study_command = command("study")

STUDIES = {path.stem: path for path in sorted((ROOT / "studies").glob("*.yaml"))}
ROWS = [300, 1000, 3000, 10_000, 30_000, 100_000]


@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (5, 2.57058), (10, 2.22814), (120, 1.97993)],
)
def test_t_quantiles_are_those_of_the_tables(freedom, t):
    assert t_quantile(freedom) == pytest.approx(t, rel=1e-5)


def test_an_exact_line_is_found_exactly():
    points = [{"data": rows, "accuracy": 0.1 + 0.12 * np.log10(rows)} for rows in ROWS]
    fit = fit_log_linear(points, score="accuracy", rows="data")
    assert fit["slope_per_decade"] == pytest.approx(0.12) and fit["intercept"] == pytest.approx(0.1)
    assert fit["r2"] == pytest.approx(1) and fit["slope_ci95"] == pytest.approx([0.12, 0.12])
    assert (fit["points"], fit["sizes"]) == (6, 6) and fit["decades"] == pytest.approx(np.log10(1000 / 3))


def test_the_fit_is_that_of_a_worked_example():
    # Anscombe's first set (The American Statistician 27, 1973): y = 3.0 + 0.5 x, se of the slope 0.118, r2 0.667
    x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    fit = fit_log_linear([{"rows": 10.0**a, "pass@1": b} for a, b in zip(x, y, strict=True)])
    assert fit["slope_per_decade"] == pytest.approx(0.5001, abs=1e-4)
    assert fit["intercept"] == pytest.approx(3.0001, abs=1e-4)
    assert fit["r2"] == pytest.approx(0.6665, abs=1e-4)
    low, high = fit["slope_ci95"]
    assert (high - low) / 2 == pytest.approx(2.26216 * 0.1179, abs=2e-4)
    assert (fit["intercept_ci95"][1] - fit["intercept_ci95"][0]) / 2 == pytest.approx(2.26216 * 1.1247, abs=2e-3)


def test_the_95_percent_intervals_hold_the_truth_95_times_in_100():
    """The scores are drawn as in a measurement: binomially, on 2,000 test rows, about a known line."""
    raw = np.random.default_rng(1)
    truth, n, times = (-0.25, 0.15), 2000, 3000
    line = truth[0] + truth[1] * np.log10(ROWS)
    held = np.zeros(3)
    for scores in raw.binomial(n, line, (times, len(ROWS))) / n:
        fit = fit_log_linear([{"rows": r, "pass@1": s} for r, s in zip(ROWS, scores, strict=True)])
        rows, low, _, high = fit["band"][12]
        values = (truth[1], truth[0], truth[0] + truth[1] * np.log10(rows))
        ranges = (fit["slope_ci95"], fit["intercept_ci95"], (low, high))
        held += [a <= value <= b for value, (a, b) in zip(values, ranges, strict=True)]
    # Tolerance 0.02: the fit assumes equal noise, but the noise of a share changes along the line. A wrong quantile (z
    # instead of t) would give 0.88.
    assert (abs(held / times - 0.95) < 0.02).all(), held / times


def test_no_line_is_drawn_through_two_sizes():
    points = [{"rows": rows, "pass@1": 0.5} for rows in (100, 100, 1000, 1000)]
    assert fit_log_linear(points) is None
    assert fit_log_linear([*points, {"rows": 5000, "pass@1": 0.5}])["r2"] is None


def _points(line=(0.1, 0.1)):
    found = []
    for rows in ROWS:
        score = line[0] + line[1] * np.log10(rows)
        found.append(
            {"rows": rows, "n": 2000, "pass@1": score, "pass@1_ci95": list(wilson_interval(score * 2000, 2000))}
        )
    return found


def test_the_plot_is_the_same_bytes_and_shows_the_band_only_where_it_measured(tmp_path):
    series = [{"name": "a", "points": _points(), "fit": fit_log_linear(_points())}]
    for name in ("1.png", "2.png"):
        plot_scaling(series, tmp_path / name, title="t")
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()
    band = np.array(series[0]["fit"]["band"])
    assert band[0, 0] == pytest.approx(300) and band[-1, 0] == pytest.approx(100_000)


def test_a_plot_of_many_arms_and_one_of_a_single_size(tmp_path, monkeypatch):
    """More curves than colours; and arms of a single size, with each name beside its score."""
    from matplotlib.axes import Axes

    points = _points()
    plot_scaling([{"name": str(i), "points": points, "fit": fit_log_linear(points)} for i in range(10)],
                 tmp_path / "many.png", title="t")  # fmt: skip
    drawn, ticks = {}, []
    monkeypatch.setattr(Axes, "errorbar", lambda self, x, y, **how: drawn.__setitem__(y[0], (x, how["xerr"])))
    monkeypatch.setattr(Axes, "set_yticks", lambda self, places, names: ticks.extend(names))
    arms = [{"name": name, "points": [point], "fit": None} for name, point in zip("ab", points, strict=False)]
    arms[1]["points"] = [points[1] | {"rows": points[0]["rows"]}]
    plot_scaling(arms, tmp_path / "one.png", title="t")
    assert ticks == ["a", "b"] and [drawn[at][0] for at in (0, 1)] == [[points[0]["pass@1"]], [points[1]["pass@1"]]]
    low, high = points[1]["pass@1_ci95"]
    assert np.ravel(drawn[1][1]) == pytest.approx([points[1]["pass@1"] - low, high - points[1]["pass@1"]])


def test_the_committed_studies_are_what_the_question_asks_for():
    for path in (STUDIES["paper_gpu"], STUDIES["paper_direct_cpu"], STUDIES["starter_cpu"]):
        study = load_study(path)
        assert len(study.rows) >= 5 and max(study.rows) / min(study.rows) >= 100
        assert {arm.paths for arm in study.arms} == {1, 4}
        content = with_solutions(CONFIGS[study.config], "canonical")
        assert max(study.rows) <= content.splits["train"].rows
        for line in build_commands(study, "arith-puzzle"):
            assert line.split(" --solutions")[0] in path.read_text()
    axes = {split for splits in load_study(STUDIES["paper_gpu"]).score.values() for split in splits}
    assert {"test", "ood_numeric_100", "ood_numeric_1000", "ood_form", "n9", "v100000"} <= axes


def test_a_training_is_the_recipe_with_other_rows(tmp_path):
    study = load_study(STUDIES["starter_cpu"])
    plan = trainings(study)
    assert len({each.folder for each in plan}) == len({each.recipe.digest for each in plan}) == 12
    recipe = load_recipe(ROOT / study.recipe)
    for each in plan:
        each.write(tmp_path / "recipe.yaml")
        assert load_recipe(tmp_path / "recipe.yaml") == each.recipe
        assert each.recipe.sft == recipe.sft | study.sft and each.recipe.lora == recipe.lora
    assert {each.recipe.dataset.config for each in plan} == {"starter", "starter-paths4"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"row": [1]}, "unknown key 'row'; did you mean 'rows'"),
        ({"rows": [10, 10]}, "rows must be different"),
        ({"rows": ["10"]}, "rows.0 must be a valid integer, not '10'"),
        ({"rows": [0, 10]}, "at least 1"),
        ({"score": {"starter": ["train"]}}, "starter/train is not an evaluation split"),
        ({"score": {"starter": ["n9"]}}, "starter/n9 is not an evaluation split"),
        ({"arms": [{"name": "a", "path": 2}]}, "unknown key 'arms.path'"),
        ({"arms": [{"name": "a"}, {"name": "A"}]}, "arms must be different"),
        ({"arms": [{"name": "a", "solutions": "generated", "paths": 2}]}, "leave out --solutions generated"),
        ({"arms": [{"name": "a", "pack": 96}]}, "unknown key 'arms.pack'"),
        ({"arms": [{"name": "a", "change": {"lora": {"rank": 2}}}]}, "unknown key 'lora.rank'"),
        ({"arms": [{"name": "a", "change": {"model": {"base": None}}}]}, "exactly one of 'base' and 'shape'"),
        ({"arms": [{"name": "a", "change": {"seed": 1}}]}, "'change' cannot set dataset, name, seed"),
        ({"sft": {"output_dir": "x"}}, "sft.output_dir is not set in a recipe"),
        ({"config": "stress"}, "is not a config with training rows"),
        ({"recipe": "training/recipes/tiny_base.yaml"}, "not trained on the dataset"),
        ({"recipe": "training/recipes/none.yaml"}, "cannot read"),
        ({"arms": [{"name": "a", "config": "1m"}]}, "is only for a study with 'tests'"),
    ],
)
def test_a_study_that_cannot_be_is_refused_in_one_line(change, message, tmp_path, capsys):
    raw = yaml.safe_load(STUDIES["starter_cpu"].read_text()) | change
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(raw))
    assert study_command([str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_rows_that_are_not_built_are_named_with_the_command_that_builds_them(starter, tmp_path, capsys):
    study = str(STUDIES["starter_cpu"])
    assert study_command([study, "--dataset", str(starter[0]), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "starter-paths4" in error and f"--paths 4 --out {starter[0]}" in error and not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A dataset folder with a few generated rows of `starter`, and a config with two solutions for each puzzle."""
    folder = tmp_path_factory.mktemp("small") / "arith-puzzle"
    configs = []
    for config, paths in (("starter", 1), ("starter-paths2", 2)):
        content = with_solutions(CONFIGS["starter"], None, paths)
        few = {split: replace(content.splits[split], rows=rows) for split, rows in (("train", 300), ("test", 40))}
        files = []
        for split in few:
            file = folder / config / f"{split}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(generate.generate_shard(replace(content, splits=few), split, 0, 0), file)
            files.append({"split": split, "path": f"{config}/{split}.parquet"})
        configs.append({"config_name": config, "data_files": files})
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")
    return folder


def _study(folder, **change):
    raw = {"name": "small", "recipe": "training/recipes/tiny_cpu.yaml", "config": "starter", "rows": [192, 96],
           "score": {"starter": ["test"]}, "arms": [{"name": "more paths", "paths": 2}],
           "sft": {"max_steps": 4, "warmup_steps": 0, "logging_steps": 1, "use_cpu": True,
                   "report_to": "none"}}  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump(raw | change))
    return folder / "study.yaml"


def test_prefixes_of_paths_hold_whole_puzzles_and_are_counted(small, tmp_path):
    study = load_study(_study(tmp_path, arms=[{"name": "a"}, {"name": "b", "paths": 2}]))
    counts = scaling.count_prompts(study, trainings(study), str(small), scaling.scored_rows(study, str(small), None))
    assert arm_config(study, Arm("b", paths=2)) == "starter-paths2"
    prompts = pq.read_table(small / "starter-paths2" / "train.parquet")["prompt"].to_pylist()
    starts = [at for at, prompt in enumerate(prompts) if at == 0 or prompt != prompts[at - 1]]
    lengths = np.diff([*starts, len(prompts)])
    assert lengths.max() == 2 and (lengths == 2).mean() > 0.9  # the rows of a puzzle are adjacent
    for rows in study.rows:
        assert counts["starter-paths2", rows] == len(set(prompts[:rows]))
        assert rows / 2 <= counts["starter-paths2", rows] < 0.6 * rows
        assert counts["starter", rows] > 0.98 * rows  # train may contain a puzzle twice


@pytest.mark.slow
def test_a_study_end_to_end_and_again(small, tmp_path, monkeypatch, capsys):
    path, out = _study(tmp_path), tmp_path / "out"
    arguments = [str(path), "--dataset", str(small), "--out", str(out)]
    assert study_command(arguments) == 0
    record = json.loads((out / "scaling.json").read_text())
    (series,) = record["series"]
    assert [(p["rows"], p["n"], p["steps"], p["seed"]) for p in series["points"]] == [(96, 40, 4, 0), (192, 40, 4, 0)]
    assert series["fit"] is None  # two sizes
    for point in series["points"]:
        folder = out / "more-paths" / f"rows-{point['rows']}-seed-0"
        item = json.loads((folder / "score-starter" / "results.json").read_text())["splits"]["test"]
        assert {key: item[key] for key in ("n", "pass@1", "pass@1_ci95")}.items() <= point.items()
        run = json.loads((folder / "train" / "run.json").read_text())
        assert run["rows"] == point["rows"] and run["recipe"]["dataset"]["config"] == "starter-paths2"
    assert len({point["generations_sha256"] for point in series["points"]}) == 2
    assert record["commands"][-1] == "arith-puzzle study study.yaml --dataset arith-puzzle --out runs/small"
    assert str(tmp_path) not in json.dumps(record) and record["hardware"] and record["versions"]
    assert (out / "scaling-starter-test.png").stat().st_size > 10_000
    assert "| more paths | `starter/test` | 96 |" in capsys.readouterr().out

    before = (out / "scaling.json").read_bytes()
    monkeypatch.setattr(scaling, "launch", lambda *args, **more: pytest.fail("trained again"))
    (out / "more-paths" / "rows-96-seed-0" / "score-starter" / "results.json").unlink()
    (out / "scaling.json").unlink()
    assert study_command(arguments) == 0
    assert (out / "scaling.json").read_bytes() == before


@pytest.mark.slow
def test_a_training_that_fails_ends_the_study_and_leaves_no_result(small, tmp_path, capfd):
    out, path = tmp_path / "out", _study(tmp_path, sft={"max_stepz": 4})
    assert study_command([str(path), "--dataset", str(small), "--out", str(out)]) == 2
    error = capfd.readouterr().err
    assert "unknown key 'sft.max_stepz'" in error and "training ended with status" in error
    assert "Traceback" not in error and not (out / "scaling.json").exists()
