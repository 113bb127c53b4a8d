"""Studies on aug-gsm8k: sizes are the dataset's nested configs, strategies have equal rows, GSM8K rows are scored."""

import json

import pytest
import yaml
from datasets import load_dataset

from arith_puzzle.dataset_builder.aug_gsm8k.dataset import SIZES, build
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.runs import write_run
from arith_puzzle.evaluation.tasks import TASKS
from arith_puzzle.metrics.gsm8k_answer.score import answer
from arith_puzzle.studies.study import build_commands, load_study, trainings
from tests.commands import command
from tests.paths import ROOT

study_command = command("study")

STUDIES = sorted((ROOT / "studies").glob("aug_gsm8k_*.yaml"))


def test_the_committed_studies():
    studies = {path.stem: load_study(path) for path in STUDIES}
    assert list(studies) == ["aug_gsm8k_cpu", "aug_gsm8k_gpu", "aug_gsm8k_strategies"]
    for path, study in zip(STUDIES, studies.values(), strict=True):
        assert study.tests[0].data == "openai/gsm8k" and study.base.dataset.format == "alpaca" and not study.score
        text = " ".join(path.read_text().replace("#", "").replace("\\", "").split())
        assert all(line in text for line in build_commands(study, "aug-gsm8k")), "the comments list the builds"
    assert studies["aug_gsm8k_gpu"].rows == list(SIZES.values())[:7] and not any(
        test.limit for test in studies["aug_gsm8k_gpu"].tests
    )
    strategies = studies["aug_gsm8k_strategies"]
    assert {test.task for test in strategies.tests} == TASKS.keys() - {"puzzle"}, "in domain and out of it"
    assert next(arm.config for arm in strategies.arms if arm.name == strategies.baseline) == "original"
    arms = [arm.config for arm in strategies.arms]
    assert arms == [None, "original", *STRATEGIES], "every strategy, at equal rows"
    plan = trainings(studies["aug_gsm8k_strategies"])
    assert len({each.recipe.digest for each in plan}) == 7 and {each.recipe.dataset.rows for each in plan} == {8000}


def rows(count, strategies=("original", "change_numbers")):
    for index in range(count):
        yield {
            "query": f"Ann has {index} pens and buys 2. How many has she?", "answer": str(index + 2), "margin": None,
            "response": f"{index}+2=<<{index}+2={index + 2}>>{index + 2}\n#### {index + 2}", "source_index": index,
            "strategy": strategies[index % 3 % 2], "question_index": 0, "path_index": 0, "agreement": None,
            "generator": "rules", "parameters": "{}",
        }  # fmt: skip


@pytest.fixture(scope="module")
def augmented(tmp_path_factory):
    """A dataset of 2,100 rows, as `augment build` writes it. Its card has only the configs of the manifest."""
    folder = tmp_path_factory.mktemp("augmented")
    write_run(folder / "run", list(rows(2100)), {"generator": "rules"})
    manifest = build([folder / "run"], folder / "aug-gsm8k", seed=0)
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": config["files"]}]}
        for name, config in manifest["configs"].items()
    ]
    (folder / "aug-gsm8k" / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")
    return folder / "aug-gsm8k"


def test_the_first_rows_of_all_are_the_nested_configs(augmented):
    """So a study can load one config, `all`, for every nested size. This holds only at these sizes."""
    everything = load_dataset(str(augmented), "all", split="train")
    for name in ("1k", "2k"):
        own = load_dataset(str(augmented), name, split="train")
        assert len(own) == SIZES[name] and own["query"] == everything[: SIZES[name]]["query"]
        share = own["strategy"][:].count("change_numbers") / len(own)
        assert abs(share - 1 / 3) < 0.05
    assert set(everything[:500]["strategy"]) == {"original"}


GSM8K = {"name": "gsm8k", "task": "gsm8k", "data": "openai/gsm8k", "config": "main"}


def _study(folder, **change):
    raw = {"name": "aug", "recipe": "training/recipes/aug_gsm8k_smollm2_135m.yaml", "config": "all", "rows": [1000],
           "tests": [GSM8K], "arms": [{"name": "a"}]}  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump({k: v for k, v in (raw | change).items() if v is not None}))
    return folder / "study.yaml"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [1000, 1500]}, "1500 rows of 'all' are not a nested config; use one of [1000, 2000"),
        ({"config": "1k"}, "'1k' is not a config to train on; known: all, original, change_numbers"),
        ({"arms": [{"name": "a", "config": "starter"}]}, "'starter' is not a config to train on"),
        ({"arms": [{"name": "a", "paths": 2}]}, "are for puzzles only"),
        ({"tests": None}, "give 'score' (a study of puzzles) or 'tests' (of aug-gsm8k), one of them"),
        ({"score": {"starter": ["test"]}}, "one of them"),
        ({"tests": [GSM8K | {"task": "chess"}]}, "tests.task must be 'gsm8k', 'math', 'svamp', 'gsm-hard' or"),
        ({"tests": [GSM8K, GSM8K]}, "tests must be different, not ['gsm8k', 'gsm8k']"),
        ({"tests": [GSM8K | {"name": "a/b"}]}, "the name 'a/b' must have only a-z, 0-9 and -"),
        ({"tests": [GSM8K | {"limit": 0}]}, "limit must be at least 1"),
        ({"tests": [GSM8K | {"samples": 1}]}, "samples must be at least 2"),
        ({"tests": [GSM8K | {"task": "svamp", "gold": True}]}, "'svamp' has no solutions with annotations"),
        ({"limit": 5}, "'limit' is for puzzles; give each of the 'tests' its own"),
        ({"baseline": "b"}, "the baseline 'b' is not the name of an arm"),
    ],
)
def test_a_study_that_cannot_be_is_refused_in_one_line(change, message, tmp_path, capsys):
    assert study_command([str(_study(tmp_path, **change)), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_missing_rows_are_reported_before_anything_is_trained(augmented, tmp_path, capsys):
    test = tmp_path / "test.jsonl"
    test.write_text(json.dumps({"question": "1+1?", "answer": "#### 2"}) + "\n")
    arguments = ["--dataset", str(augmented), "--scored", f"gsm8k={test}", "--out", str(tmp_path / "out")]
    study = _study(tmp_path, arms=[{"name": "a", "config": "conditional"}])
    assert study_command([str(study), *arguments]) == 2
    error = capsys.readouterr().err
    assert "arith-puzzle augment rules" in error and "augment model" not in error
    assert study_command([str(_study(tmp_path, rows=[4000])), *arguments]) == 2
    assert "needs 4,000 training rows; all has 2,100" in capsys.readouterr().err
    for scored, said in ((f"gsm8k={tmp_path / 'none.jsonl'}", "none.jsonl"), (str(test), "give --scored as NAME="),
                         (f"svamp={test}", "has no test 'svamp'")):  # fmt: skip
        arguments[3] = scored
        assert study_command([str(_study(tmp_path)), *arguments]) == 2
        assert said in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_table_by_strategy_end_to_end(augmented, talker, tmp_path, capsys):
    recipe = yaml.safe_load((ROOT / "training" / "recipes" / "aug_gsm8k_smollm2_135m.yaml").read_text())
    recipe |= {"model": {"base": str(talker)}, "score": {"batch_size": 4, "max_new_tokens": 12}}
    recipe["sft"] |= {"max_steps": 2, "warmup_steps": 0, "report_to": "none", "use_cpu": True}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    test = tmp_path / "test.jsonl"
    gold = [{"question": row["query"], "answer": row["response"]} for row in rows(6)]
    test.write_text("".join(json.dumps(row) + "\n" for row in gold))
    arms = [{"name": "own questions", "config": "original"}, {"name": "change numbers", "config": "change_numbers"}]
    tests = [GSM8K | {"limit": 5, "gold": True}, GSM8K | {"name": "samples", "limit": 4, "samples": 2}]
    recipe = str(tmp_path / "recipe.yaml")
    path = _study(tmp_path, recipe=recipe, rows=[16], arms=arms, tests=tests, baseline="own questions")
    arguments = [str(path), "--dataset", str(augmented), "--scored", f"gsm8k={test}", "--scored", f"samples={test}",
                 "--out", str(tmp_path / "out")]  # fmt: skip
    assert study_command(arguments) == 0
    record = json.loads((tmp_path / "out" / "scaling.json").read_text())
    names = [arm["name"] for arm in arms]
    places = [(series["name"], series["test"]) for series in record["series"]]
    assert places == [(name, test) for test in ("gsm8k", "samples") for name in names]
    for series in record["series"][2:]:
        (point,) = series["points"]
        assert point["n"] == 4 and 0 <= point["pass@1"] <= point["pass@2"] <= 1 and len(point["pass@2_ci95"]) == 2
    greedy, sampled = record["comparisons"]
    assert [(each["name"], each["test"], each["n"]) for each in (greedy, sampled)] == [
        ("change numbers", "gsm8k", 5), ("change numbers", "samples", 4)]  # fmt: skip
    points = [series["points"][0] for series in record["series"][:2]]
    assert greedy["difference"] == pytest.approx(points[1]["pass@1"] - points[0]["pass@1"])
    likely = [point["gold"]["log_likelihood"] for point in points]
    assert greedy["gold"]["difference"] == pytest.approx(likely[1] - likely[0]) and "gold" not in sampled
    for series, arm in zip(record["series"], arms, strict=False):
        (point,) = series["points"]
        folder = tmp_path / "out" / series["name"].replace(" ", "-") / "rows-16-seed-0"
        run = json.loads((folder / "train" / "run.json").read_text())
        assert run["recipe"]["dataset"]["config"] == arm["config"] and (run["rows"], point["steps"]) == (16, 2)
        results = json.loads((folder / "score-gsm8k" / "results.json").read_text())
        assert results["task"] == "gsm8k" and (results["limit"], point["n"]) == (5, 5) and point["prompts"] == 16
        answers = [json.loads(line) for line in (folder / "score-gsm8k" / "generations-test.jsonl").open()]
        right = [answer(each["response"]) == answer(each["answer"]) for each in answers]
        assert point["pass@1"] == sum(right) / 5
    table = capsys.readouterr().out
    assert all(f"| {name} | `gsm8k` | 16 | 16 |" in table for name in names)
    assert "Differences to 'own questions'" in table and "| change numbers | `gsm8k` | 16 | 0 | 5 |" in table
    assert "--scored gsm8k=test.jsonl --scored samples=test.jsonl" in record["commands"][-1] and str(
        tmp_path
    ) not in json.dumps(record["commands"])
