"""Scoring: the metric's numbers over kept generations, resume, and answers that do not depend on the batch."""

import json

import pytest

from dataset_builder.errors import InputError
from metrics.arith_puzzle_verifier.verify import verify
from training.inference import answer_batches, load
from training.recipe import load_recipe
from training.score import main, score, summary
from training.sft import train


@pytest.fixture(scope="module")
def learned(starter, tmp_path_factory):
    """A small base that has learned single equations for a moment, so that its answers differ from prompt to prompt."""
    import yaml

    folder = tmp_path_factory.mktemp("learned")
    recipe = {
        "name": "t", "drills": {"rows": 6400, "drill_share": 0.3},
        "model": {"shape": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                            "intermediate_size": 128}},
        "sft": {"per_device_train_batch_size": 64, "learning_rate": 5.0e-3, "bf16": False, "report_to": "none",
                "activation_checkpointing": False, "dataloader_pin_memory": False, "use_cpu": True, "max_steps": 100},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return train(load_recipe(folder / "recipe.yaml"), folder / "out")


def test_left_padding_gives_the_answers_of_batch_size_one(learned):
    model, tokenizer = load(str(learned))
    prompts = ["3,6,7:4\n", "11,20,30,45:6\n", "1,2,3:6\n", "9,12,59,60:1\n"]
    together = [a for batch in answer_batches(model, tokenizer, prompts, max_new_tokens=24) for a in batch]
    alone = [a for batch in answer_batches(model, tokenizer, prompts, batch_size=1, max_new_tokens=24) for a in batch]
    assert together == alone and len(set(together)) > 1


def test_generation_stops_at_eos(learned):
    model, tokenizer = load(str(learned))
    answers = next(answer_batches(model, tokenizer, ["2+3=", "10-4=", "7*1="], max_new_tokens=40))
    assert all(len(answer) < 12 for answer in answers), answers


def _score(learned, starter, out, **more):
    return score(str(learned), None, str(starter[0]), "starter", ["validation"], out, max_new_tokens=16, **more)


@pytest.fixture(scope="module")
def scored(learned, starter, tmp_path_factory):
    out = tmp_path_factory.mktemp("score")
    return out, _score(learned, starter, out)


def test_results_are_the_metrics_over_the_kept_generations(scored):
    out, results = scored
    item = results["splits"]["validation"]
    records = [json.loads(line) for line in (out / "generations-validation.jsonl").read_text().splitlines()]
    verdicts = [verify(r["numbers"], r["target"], r["response"]) for r in records]
    assert item["n"] == len(records) == 1000
    assert item["pass@1"] == pytest.approx(sum(v.correct for v in verdicts) / 1000)
    assert sum(item["reasons"].values()) == pytest.approx(1)
    low, high = item["pass@1_ci95"]
    assert low <= item["pass@1"] <= high and set(item["by_n"]) == {"3", "4"}
    assert json.loads((out / "results.json").read_text()) == results
    assert "n=1000" in summary(results)


def test_a_killed_run_goes_on_with_the_same_bytes(scored, learned, starter, tmp_path):
    out, results = scored
    whole = (out / "generations-validation.jsonl").read_bytes()
    (tmp_path / "score.json").write_bytes((out / "score.json").read_bytes())
    cut = whole.index(b"\n", len(whole) // 2) + 20  # in the middle of a line
    (tmp_path / "generations-validation.jsonl").write_bytes(whole[:cut])
    again = _score(learned, starter, tmp_path)
    assert (tmp_path / "generations-validation.jsonl").read_bytes() == whole
    assert again["splits"]["validation"]["generations_sha256"] == results["splits"]["validation"]["generations_sha256"]


def test_a_finished_score_is_not_repeated_and_another_runs_folder_is_refused(scored, learned, starter):
    out, results = scored
    assert _score(learned, starter, out) == results
    with pytest.raises(InputError, match="another run"):
        _score(learned, starter, out, prompt_format="natural")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs --model"),
        (["--model", "{base}", "--batch-size", "0"], "at least 1"),
        (["--model", "{base}", "--split", "nope"], "cannot load starter/nope"),
        (["--model", "/no/such/folder"], "cannot load"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, said, starter, small_base, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments = [part.format(base=small_base) for part in arguments]
    assert main([*arguments, "--dataset", str(starter[0]), "--out", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("arith-puzzle score: ") and said in line
