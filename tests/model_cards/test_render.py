"""Cards: every number from a file, valid front matter, and broken cards refused."""

import json
import subprocess
import sys

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard
from jinja2 import UndefinedError

from dataset_builder.errors import InputError
from model_cards import render
from model_cards.readme import render as readme_block
from training.recipe import ROOT


def _front_matter(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_the_dataset_card_says_what_the_manifest_says(starter):
    _, manifest = starter
    text = render.dataset_card(manifest, "arith-puzzle", "ns/arith_puzzle_verifier")
    card = DatasetCard(text)
    assert card.data.license == "cc-by-4.0" and card.data.size_categories == ["100K<n<1M"]
    (config,) = _front_matter(text)["configs"]
    assert config["config_name"] == "starter" and config["default"] is True
    assert [item["split"] for item in config["data_files"]] == ["train", "validation", "test"]
    for name, split in manifest["configs"]["starter"]["splits"].items():
        assert f"| `{name}` | {split['rows']:,} |" in text and split["shards"][0]["sha256"][:16] in text
    assert "Deviations from the paper" in text and 'load_dataset("arith-puzzle")' in text


def test_a_value_that_is_missing_is_an_error_not_a_blank(starter):
    manifest = json.loads(json.dumps(starter[1]))
    del manifest["configs"]["starter"]["splits"]["train"]["shards"][0]["sha256"]
    with pytest.raises((KeyError, UndefinedError)):
        render.dataset_card(manifest, "arith-puzzle", "ns/m")


@pytest.fixture
def scores():
    item = {"n": 2000, "pass@1": 0.25, "pass@1_ci95": [0.23, 0.27], "by_n": {"3": 0.4, "4": 0.1},
            "reasons": {"ok": 0.25, "wrong_target": 0.75}}  # fmt: skip
    return {"config": "starter", "splits": {"test": item}, "name": "x"}


def _run_record():
    return json.loads((ROOT / "training" / "bases" / "arith-tiny" / "run.json").read_text())


def test_model_cards_hold_the_results(scores):
    run = _run_record()
    names = {"repo_id": "ns/b", "adapter_id": "ns/a", "dataset_id": "ns/d", "metric_id": "ns/m"}
    text = render.base_card(names, run, scores)
    assert "| `starter/test` | 2,000 | 0.250 | 0.230 \u2013 0.270 |" in text and f"{run['parameters']:,}" in text
    data = ModelCard(text).data
    assert data.eval_results[0].metric_value == 0.25 and data.eval_results[0].dataset_config == "starter"


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("no front matter", "dataset", "front matter"),
        ("---\na: [\n---\n\nx\n", "model", "not YAML"),
        ("---\nlicense: mit\n---\n\nx\n", "model", "missing: library_name"),
        ("---\ntitle: x\nsdk: gradio\nsdk_version: '6'\napp_file: app.py\n---\n\nx\n", "space", "missing: license"),
        ("---\ntitle: x\nsdk: gradio\nsdk_version: '6'\napp_file: app.py\nlicense: mit\n---\n\n", "space", "a text"),
    ],
)
def test_broken_cards_are_refused(text, kind, said):
    with pytest.raises(InputError, match=said):
        render.check_card(text, kind)


@pytest.mark.parametrize("folder", ["metrics/arith_puzzle_verifier", "spaces/arith_puzzle_demo"])
def test_the_spaces_cards_are_whole(folder):
    render.check_card((ROOT / folder / "README.md").read_text(), "space")


def test_the_readmes_results_are_those_of_results():
    done = subprocess.run(
        [sys.executable, "-m", "model_cards.readme", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    block = readme_block(ROOT / "results")
    scores = json.loads((ROOT / "results" / "tiny_cpu" / "results.json").read_text())
    for who in ("base", "adapter"):
        assert f"**{scores[who]['splits']['test']['pass@1']:.3f}**" in block


def test_the_shipped_results_hold_what_the_project_promises():
    """On starter/test the adapter reaches 0.30 and its interval lies above the base's."""
    scores = json.loads((ROOT / "results" / "tiny_cpu" / "results.json").read_text())
    base, adapter = (scores[who]["splits"]["test"] for who in ("base", "adapter"))
    assert base["n"] == adapter["n"] == 2000
    assert adapter["pass@1"] >= 0.30 and adapter["pass@1_ci95"][0] > base["pass@1_ci95"][1]
