"""The cards: every number comes from a file, the front matter is valid, and missing values are errors."""

import ast
import copy
import json
import re
import subprocess
import sys

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard
from jinja2 import UndefinedError

from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.model_cards import render
from arith_puzzle.model_cards.paper_table import paper_table
from arith_puzzle.model_cards.readme import render as readme_block
from arith_puzzle.model_cards.seen import seen_table
from arith_puzzle.model_cards.snippets import snippets
from arith_puzzle.model_cards.tables import reason_table, score_table
from arith_puzzle.model_cards.wording import describe_decoding, describe_shift, describe_split
from tests.paths import ROOT

SECONDS = f"{json.loads((ROOT / 'results' / 'tiny_cpu' / 'run.json').read_text())['seconds']:.0f}"

NAMES = {"repo_id": "ns/a-lora", "base_id": "ns/b", "base_revision": "v9", "adapter_id": "ns/a-lora",
         "adapter_revision": "v9", "dataset_id": "ns/d", "metric_id": "ns/m", "demo_id": "ns/s",
         "merged_id": None}  # fmt: skip
LICENCE = {"license": "apache-2.0"}
EXAMPLE = {"messages": None, "template_kwargs": {}, "own_eos": False,
           "numbers": [2, 3, 4], "target": 10, "prompt": "2,3,4:10\n", "answer": "3*2=6\n6+4=10",
           "raw": "3*2=6\n6+4=10", "rules": {}, "verdict": "ok"}  # fmt: skip
DECODING = {"format": "symbolic", "strategy": "greedy", "max_new_tokens": 48, "batch_size": 250, "shots": 0,
            "division": "exact"}  # fmt: skip


def _front_matter(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_the_dataset_card_says_what_the_manifest_says(starter):
    _, manifest = starter
    text = render.dataset_card(manifest, "arith-puzzle", "ns/arith_puzzle_verifier")
    card = DatasetCard(text)
    assert card.data.license == "cc-by-4.0" and card.data.size_categories == ["100K<n<1M"]
    (config,) = _front_matter(text)["configs"]
    assert config["config_name"] == "starter" and config["default"] is True
    more = copy.deepcopy(starter[1])
    more["configs"] = {"1m": more["configs"]["starter"], **more["configs"]}
    front = yaml.safe_load(render.dataset_card(more, "ns/data", "ns/metric").split("---\n")[1])
    assert [item["config_name"] for item in front["configs"] if item.get("default")] == ["starter"], "built first"
    assert [item["split"] for item in config["data_files"]] == ["train", "validation", "test"]
    for name, split in manifest["configs"]["starter"]["splits"].items():
        assert f"| `{name}` | {split['rows']:,} |" in text and split["shards"][0]["sha256"][:16] in text
    assert "Deviations from the paper" in text and 'load_dataset("arith-puzzle", "starter")' in text


def test_a_dataset_card_has_a_snippet_for_each_config_and_streams_what_is_large(starter):
    manifest = copy.deepcopy(starter[1])
    manifest["configs"]["10m"] = copy.deepcopy(manifest["configs"]["starter"])
    manifest["configs"]["10m"]["splits"]["train"]["rows"] = 10_000_000
    text = render.dataset_card(manifest, "ns/d", "ns/m")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    assert 'load_dataset("ns/d", "starter")' in blocks[0] and "streaming" not in blocks[0]
    assert 'load_dataset("ns/d", "10m", split="train", streaming=True)' in blocks[1]
    for block in blocks:
        compile(block, "card", "exec")
    assert DatasetCard(text).data.size_categories == ["10M<n<100M"]


def test_a_value_that_is_missing_is_an_error_not_a_blank(starter):
    manifest = json.loads(json.dumps(starter[1]))
    del manifest["configs"]["starter"]["splits"]["train"]["shards"][0]["sha256"]
    with pytest.raises((KeyError, UndefinedError)):
        render.dataset_card(manifest, "arith-puzzle", "ns/m")


@pytest.fixture
def scores():
    item = {"n": 2000, "pass@1": 0.25, "pass@1_ci95": [0.231, 0.272], "by_n": {"3": 0.4, "4": 0.1},
            "reasons": {"ok": 0.25, "wrong_target": 0.75}}  # fmt: skip
    return {"config": "starter", "splits": {"test": item}, "name": "x", "decoding": DECODING}


@pytest.fixture
def run():
    return json.loads((ROOT / "results" / "tiny_cpu" / "run.json").read_text())


@pytest.fixture
def base_run():
    return json.loads((ROOT / "training" / "bases" / "arith-tiny" / "run.json").read_text())


@pytest.fixture
def adapter_card(starter, scores, run, base_run):
    base = copy.deepcopy(scores)
    base["splits"]["test"] |= {"pass@1": 0.0125, "pass@1_ci95": [0.0085, 0.0184], "by_n": {"3": 0.02, "4": 0.005}}

    def make(change=lambda run, scores: None, **names):
        changed_run, changed = copy.deepcopy(run), copy.deepcopy(scores)
        change(changed_run, changed)
        arguments = {"manifest": starter[1], "example": EXAMPLE, "licence": LICENCE, "base_run": base_run}
        return render.adapter_card(NAMES | names, changed_run, base, changed, **arguments)

    return make


def test_an_adapters_card_holds_the_results(adapter_card):
    text = adapter_card()
    assert "| adapter | `starter/test` | 2,000 | **0.250** | 0.231&nbsp;to&nbsp;0.272 | 0.400 | 0.100 |" in text
    assert "| base | `starter/test` | 2,000 | **0.013** | 0.009&nbsp;to&nbsp;0.018 | 0.020 | 0.005 |" in text
    assert "| adapter | `starter/test` | 75.0% | 25.0% |" in text and "Scored: every row of each split" in text
    assert "greedy, zero-shot, symbolic prompt, exact division" in text and "N=3 and 4, numbers up to 60" in text
    data = ModelCard(text).data
    (result,) = data.eval_results
    assert (result.metric_value, result.dataset_config, result.dataset_split) == (0.25, "starter", "test")
    assert data.base_model == "ns/b" and data.datasets == ["ns/d"] and data.library_name == "peft"


TEST, ROW = "scores/splits/test", "| adapter | `starter/test` |"
CHANGES = {
    "n": (TEST, {"n": 1234}, f"{ROW} 1,234 |", f"{ROW} 2,000 |"),
    "pass@1": (TEST, {"pass@1": 0.98765}, "**0.988**", "**0.250**"),
    "interval": (TEST, {"pass@1_ci95": [0.11, 0.97]}, "0.110&nbsp;to&nbsp;0.970", "0.231"),
    "by N": (f"{TEST}/by_n", {"3": 0.777}, "| 0.777 |", "| 0.400 |"),
    "reasons": (f"{TEST}/reasons", {"wrong_target": 0.666}, f"{ROW} 66.6%", f"{ROW} 75.0%"),
    "rows": ("run", {"rows": 98765}, "98,765 rows", "57,600 rows"),
    "parameters": ("run", {"trainable_parameters": 4321}, "4,321 trainable", "204,800"),
    "loss": ("run", {"train_loss": 7.8915}, "mean loss 7.891", "mean loss 0.1"),
    "seconds": ("run", {"seconds": 36000.0}, "36,000 s, which is 10.000 device-hours", f"{SECONDS} s, which"),
    "processes": ("run/hardware", {"processes": 8}, "8 processes", "0.066 device-hours"),
    "device": ("run/hardware", {"device": "cuda:0"}, "`cuda:0`", "`cpu`"),
    "gpu": ("run/hardware", {"gpu": "NVIDIA X1"}, "Device: NVIDIA X1, 2 CPU", "`cpu`"),
    "resumed": ("run", {"resumed_from_step": 1200}, "Time from step 1,200, where the run was resumed: ", "Time: "),
    "recipe": ("run/recipe/lora", {"r": 77}, "r: 77", "r: 16"),
    "versions": ("run/versions", {"torch": "9.9"}, "torch 9.9", "torch 2.13.0"),
}


@pytest.mark.parametrize(("place", "values", "now", "before"), CHANGES.values(), ids=CHANGES)
def test_another_number_in_the_file_is_another_number_on_the_card(adapter_card, place, values, now, before):
    def change(run, scores):
        record = {"run": run, "scores": scores}
        for key in place.split("/"):
            record = record[key]
        record.update(values)

    assert now not in adapter_card()
    text = adapter_card(change)
    assert now in text and before not in text


def test_a_card_lists_all_rows_that_the_weights_have_seen(adapter_card, starter, run, base_run):
    lines = adapter_card().splitlines()
    assert "| base | 192,000 single equations |  | 600, also negative | + - * / |" in lines
    assert "| base | 288,000 puzzles of `train` | 3 and 4 | 20 | + - * / |" in lines
    assert "| adapter | 57,600 rows of `starter/train` | 3 and 4 | 60 | + - * / |" in lines
    lines = adapter_card(lambda run, _: run["recipe"]["dataset"].update(format="procedure")).splitlines()
    bounded = "+ - * /; products and dividends up to 100"
    assert f"| adapter | 57,600 rows of `starter/train` | 3 and 4 | 60 | {bounded} |" in lines
    searching = json.loads((ROOT / "training" / "bases" / "arith-tiny-search" / "run.json").read_text())
    walks = "157,250 fragments of searches | 3 to 15 | 1,000 | + - * /, with a search; products and dividends up to 100"
    assert f"| base | {walks} |" in seen_table({"base": searching}, {}).splitlines()
    run["recipe"] |= {"drills": {"rows": 7600, "drill_share": 1.0}}
    run["recipe"]["model"]["adapter"] = "/home/me/runs/first"
    lines = seen_table({"base": None, "adapter": run}, starter[1]["configs"]["starter"]["splits"]).splitlines()
    assert lines[2:] == [
        "| base | what its authors state |  |  |  |",
        "| adapter | all that `first` saw, with which it began |  |  |  |",
        "| adapter | 7,600 single equations |  | 600, also negative | + - * / |",
        "| adapter | 50,000 rows of `starter/train` | 3 and 4 | 60 | + - * / |",
    ]


def test_a_card_shows_what_further_splits_and_scores_there_are(adapter_card, starter, scores):
    manifest = starter[1]
    splits = manifest["configs"]["starter"]["splits"]
    far = splits["test"] | {"v": 1000, "at_least": 101, "rows": 500}
    larger = splits["test"] | {"by_n": {"5": 100}, "rows": 100}
    item = {"n": 500, "pass@1": 0.1, "pass@1_ci95": [0.08, 0.13], "by_n": {"3": 0.1, "4": 0.1}, "pass@4": 0.321,
            "pass@1_lenient": 0.15, "pass@1_lenient_ci95": [0.1, 0.2],
            "reasons": {"too_long": 0.9, "ok": 0.1}}  # fmt: skip
    scores["splits"] |= {"far": item, "larger": item | {"n": 100, "by_n": {"5": 0.1}}}
    table = score_table({"it": scores})
    assert table.splitlines()[0] == (
        "| model | split | n | pass@1 | 95% interval | N=3 | N=4 | N=5 | pass@4 | pass@1, lenient |"
    )
    assert (
        "| it | `starter/far` | 500 | **0.100** | 0.080&nbsp;to&nbsp;0.130 | 0.100 | 0.100 | - | 0.321 | 0.150 |"
        in table
    )
    assert "| it | `starter/test` | 2,000 | **0.250** | 0.231&nbsp;to&nbsp;0.272 | 0.400 | 0.100 | - | - | - |" in table
    assert reason_table({"it": scores}).splitlines()[0] == "| model | split | too long | wrong target | ok |"
    with_far = copy.deepcopy(manifest)
    with_far["configs"]["starter"]["splits"] |= {"far": far, "larger": larger}
    text = render.merged_card(NAMES, _run_record(), scores, manifest=with_far, example=EXAMPLE, licence=LICENCE)
    far_line = "`starter/far`: N=3 and 4, numbers up to 1,000, the largest at least 101; out of distribution: "
    assert far_line + "training had no such numbers\n" in text
    assert "`starter/larger`: N=5, numbers up to 60; out of distribution: training had no such sizes\n" in text
    assert "- `starter/test`: N=3 and 4, numbers up to 60\n" in text


def test_a_card_does_not_claim_rows_that_were_not_scored(adapter_card):
    def fewer(run, scores):
        scores["splits"]["test"]["n"] = 100

    assert "Scored: the first n rows of each split" in adapter_card(fewer)


def test_an_answer_of_any_text_is_shown_and_is_no_code(starter, scores, run):
    nasty = 'a "quoted" answer\n```\n```python\nimport os\n```'
    text = render.adapter_card(
        NAMES, run, scores, scores, base_run=None, manifest=starter[1], example=EXAMPLE | {"raw": nasty},
        licence=LICENCE,
    )  # fmt: skip
    assert f"````text\n{nasty}\n````" in text
    (snippet,) = snippets(text)
    assert "import os" not in snippet.code and ast.parse(snippet.code)


def _run_record():
    return json.loads((ROOT / "training" / "bases" / "arith-tiny" / "run.json").read_text())


def test_the_bases_card_says_what_it_was_trained_on(starter, scores):
    run = _run_record()
    text = render.base_card(NAMES | {"repo_id": "ns/b"}, run, scores, manifest=starter[1], config={"vocab_size": 21},
                            licence=LICENCE)  # fmt: skip
    assert "| base | `starter/test` | 2,000 | **0.250** | 0.231&nbsp;to&nbsp;0.272 |" in text
    assert f"{run['parameters']:,}" in text and "numbers up to 600 and on puzzles of 3 and 4 numbers up to 20" in text
    assert "A Llama of 1,336,000 parameters with a vocabulary of 21 tokens, trained from scratch" in " ".join(
        text.split()
    )
    assert ModelCard(text).data.eval_results[0].metric_value == 0.25


def test_a_card_of_another_format_says_nothing_of_a_search(adapter_card, starter, scores):
    """The same holds for a base that was scored with its adapter's format, but was not trained to search."""
    assert "search" not in adapter_card() and "marker" not in adapter_card()
    scores["decoding"] = DECODING | {"format": "search"}
    text = render.base_card(
        NAMES | {"repo_id": "ns/b"}, _run_record(), scores, manifest=starter[1],
        config={"vocab_size": 121, "sliding_window": 448}, licence=LICENCE,
    )  # fmt: skip
    assert "model searches" not in text and "trained from scratch" in text
    assert "with a vocabulary of 121 tokens and attention over the last 448 of them, trained" in " ".join(text.split())
    assert "Only the part after the marker is judged" in text
    assert "An answer without a marker is\njudged as a whole." in text


def test_the_card_of_the_base_that_searches_asks_it_a_puzzle(starter, scores, capsys, monkeypatch):
    """This base was not trained on single equations, so its card has none. The snippet runs on the shipped weights."""
    folder = ROOT / "training" / "bases" / "arith-tiny-search"
    run, config = (json.loads((folder / name).read_text()) for name in ("run.json", "config.json"))
    names = NAMES | {"repo_id": str(folder)}
    text = render.base_card(names, run, scores, manifest=starter[1], config=config, licence=LICENCE)
    said = " ".join(text.split())
    assert "trained from scratch on puzzles of 3 and 4 numbers up to 60, answered by a search" in said
    assert "fragments of searches through 3 to 15 numbers up to 1,000. Many" in said and "single equations" not in said
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], {})
    assert capsys.readouterr().out == "7,8,20:21\n20,8:28,14,3:12,28:28-7=21\n:\n20+8=28\n28-7=21\n"


def test_words_for_how_it_was_asked():
    assert describe_decoding(DECODING) == "greedy, zero-shot, symbolic prompt, exact division"
    sampled = {
        "strategy": "sample",
        "temperature": 0.7,
        "samples": 8,
        "shots": 2,
        "chain_of_thought": True,
        "chat": True,
    }
    assert describe_decoding(sampled) == "8 samples at temperature 0.7, 2-shot, chain of thought, chat"
    assert describe_decoding({"strategy": "greedy"}) == "greedy"
    assert describe_decoding(DECODING | {"format": "search"}) == (
        "greedy, zero-shot, symbolic prompt, a search before the answer, exact division"
    )
    assert describe_decoding(DECODING | {"format": "natural"}) == "greedy, zero-shot, natural prompt, exact division"
    item = {"by_n": {"5": 1, "6": 1, "7": 1}, "v": 60, "at_least": 1}
    assert describe_split(item) == "N=5, 6 and 7, numbers up to 60"
    assert describe_shift(item, item) == ""
    assert describe_shift(item | {"by_n": {"8": 1}, "v": 99}, item) == "sizes and numbers"


def test_the_readmes_results_are_those_of_results():
    done = subprocess.run(
        [sys.executable, "-m", "arith_puzzle.model_cards.readme", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    block = readme_block(ROOT / "results")
    scores = json.loads((ROOT / "results" / "tiny_cpu" / "results.json").read_text())
    for who in ("base", "adapter"):
        assert f"**{scores[who]['splits']['test']['pass@1']:.3f}**" in block


def test_the_table_has_the_settings_only_if_they_differ(tmp_path, scores, run):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text(json.dumps(run))
    other = copy.deepcopy(scores)
    other["splits"]["test"]["pass@8"] = 0.875
    (tmp_path / "a" / "results.json").write_text(json.dumps({"base": scores, "adapter": other}))
    block = readme_block(tmp_path)
    assert "settings" not in block and "| pass@8 |" in block
    assert f"| 0.875 | 57,600 rows, {SECONDS} s on cpu |" in block
    other["decoding"] = DECODING | {"shots": 8}
    (tmp_path / "a" / "results.json").write_text(json.dumps({"base": scores, "adapter": other}))
    assert "| greedy, 8-shot, symbolic prompt, exact division |" in readme_block(tmp_path)


def test_the_shipped_results_hold_what_the_project_promises():
    """On starter/test the adapter has at least 0.30, and its interval lies above the base's."""
    scores = json.loads((ROOT / "results" / "tiny_cpu" / "results.json").read_text())
    base, adapter = (scores[who]["splits"]["test"] for who in ("base", "adapter"))
    assert base["n"] == adapter["n"] == 2000
    assert adapter["pass@1"] >= 0.30 and adapter["pass@1_ci95"][0] > base["pass@1_ci95"][1]


def test_the_papers_table_has_both_sizes_together_and_says_what_no_file_measures(tmp_path):
    run = {"recipe": {"dataset": {"rows": 1000}}, "rows": 1000}

    def write(**splits):
        (tmp_path / "paper_search_cpu").mkdir(exist_ok=True)
        (tmp_path / "paper_search_cpu" / "run.json").write_text(json.dumps(run))
        items = {split: {"pass@1": share, "n": n} for split, (share, n) in splits.items()}
        (tmp_path / "paper_search_cpu" / "results.json").write_text(json.dumps({"adapter": {"splits": items}}))
        lines = [line.split(" | ") for line in paper_table(tmp_path).splitlines()]
        return {line[0].strip("| `"): [cell.strip(" |") for cell in line[3:]] for line in lines}

    table = write(test=(0.5, 200), ood_numeric_100=(0.9, 100), ood_numeric_1000=(0.3, 300))
    low, high = wilson_interval(90 + 90, 400)
    both = f"**0.450** ({low:.3f} to {high:.3f}; n=400)"
    assert table["paper_search_cpu"][3:] == [both, "not measured"]
    assert set(table["paper_direct_cpu"]) == {"not measured"}
    assert write(test=(0.5, 200), ood_numeric_100=(0.9, 100))["paper_search_cpu"][3] == "not measured"


def test_the_card_of_a_local_build_runs_beside_it(starter, monkeypatch, capsys):
    """Every Python snippet, in the folder that contains the dataset, without a Hub."""
    card = (starter[0] / "README.md").read_text()
    codes = [each.code for each in snippets(card) if each.language == "python"]
    assert len(codes) == 2 and "spaces/" not in card and 'revision="script"' not in card
    monkeypatch.chdir(starter[0].parent)
    for code in codes:
        exec(compile(code, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "DatasetDict" in said and "'pass@1': 1.0" in said
