"""The content of a stage: cards, the Hub's benchmark files, complete folders, the same bytes every time."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard, SpaceCard
from huggingface_hub._eval_results import parse_eval_result_entries

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.model_cards import benchmark
from arith_puzzle.model_cards.snippets import snippets
from arith_puzzle.release.compare import with_scores
from arith_puzzle.release.imports import imported_files
from arith_puzzle.release.stage import (
    DEMO,
    ENVIRONMENT,
    INSPECT_TASK,
    METRIC,
    NOTES,
    PAPER,
    TAG,
    collection_items,
    plan,
    read_plan,
    stage,
    study_of,
)
from arith_puzzle.training.recipe import load_recipe
from docs import transcript
from tests.paths import ROOT
from tests.release.conftest import ROWS
from tests.release.staging import recorded

RECIPE = load_recipe(ROOT / "training" / "recipes" / "tiny_cpu.yaml")


@pytest.fixture(scope="session")
def other(inputs, tmp_path_factory):
    """The scores of another model on the same rows: the base's answers, under another name."""
    folder = shutil.copytree(inputs["scores"] / "base", tmp_path_factory.mktemp("other") / "other")
    results = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps(results | {"name": "someone/other"}))
    return folder


@pytest.fixture(scope="session")
def staged(inputs, other, tmp_path_factory):
    """A stage with merged weights, and with another model in the demo's table."""
    out = tmp_path_factory.mktemp("stage") / "stage"
    return stage(RECIPE, "local", out=out, merged=True, others=[other], **inputs)


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_plan_is_in_the_order_of_publishing_and_the_collection_ties_it_to_the_paper(staged):
    record, repos = read_plan(staged)
    assert [repo.kind for repo in repos] == ["base", "dataset", "metric", "environment", "adapter", "merged", "demo"]
    assert repos == plan(RECIPE, "local", merged=True) and record["tag"] == TAG
    assert [repo.kind for repo in plan(RECIPE, "local")] == [
        "base",
        "dataset",
        "metric",
        "environment",
        "adapter",
        "demo",
    ]
    items = record["collection_items"]
    (table,) = json.loads((staged / "demo" / "comparison.json").read_text())["splits"]
    assert items[1:] == collection_items(repos, with_scores(NOTES, [table]))
    assert (items[0]["item_type"], items[0]["item_id"]) == ("paper", PAPER)
    assert {(item["item_type"], item["item_id"]) for item in items[1:]} == {(repo.type, repo.id) for repo in repos}
    assert {item.name for item in staged.iterdir() if item.is_dir()} == {repo.kind for repo in repos} | {
        "dataset-script"
    }


def test_a_base_of_others_is_named_and_not_published(inputs, tmp_path, monkeypatch):
    """Without a network, so the licence of the base must be stated."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    recipe = replace(RECIPE, model=replace(RECIPE.model, base="someone-else/base", revision="abc"))
    out = stage(recipe, "me", out=tmp_path / "stage", stated_licence="llama2", **recorded(recipe, inputs, tmp_path))
    assert ModelCard.load(out / "adapter" / "README.md").data.license == "llama2"
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("someone-else/base", "abc")
    assert (
        not (out / "base").exists()
        and ModelCard.load(out / "adapter" / "README.md").data.base_model == recipe.model.base
    )


@pytest.mark.parametrize("namespace", ["bad name", "a/b", "-a", "ä", "a..b"])
def test_a_namespace_that_no_hub_accepts_is_refused(inputs, tmp_path, namespace):
    with pytest.raises(InputError, match="is not a valid name of a Hub repo: "):
        stage(RECIPE, namespace, out=tmp_path / "stage", **inputs)
    assert not list(tmp_path.iterdir())


def test_a_scaling_study_beside_the_scores_is_published_with_the_adapter(staged, inputs, tmp_path):
    scores = tmp_path / "score"
    shutil.copytree(inputs["scores"], scores)
    (scores / "scaling.json").write_text('{"series": []}')
    out = stage(RECIPE, "me", out=tmp_path / "stage", **(inputs | {"scores": scores}))
    assert (out / "adapter" / "scaling.json").read_text() == '{"series": []}'
    study = ROOT / "results" / "starter_cpu_scaling" / "scaling.json"
    assert (staged / "adapter" / "scaling.json").read_bytes() == study.read_bytes(), (
        "else that of the recipe's own study"
    )


def test_the_study_of_the_released_recipe_goes_with_it_and_no_other(tmp_path):
    for name, study in (("tiny_cpu", "starter_cpu_scaling"), ("paper_openllama3b", None)):
        digest = load_recipe(ROOT / "training" / "recipes" / f"{name}.yaml").digest
        found = study_of(digest, placed=tmp_path / "scaling.json")
        assert found == (PACKAGE / "results" / study / "scaling.json" if study else None)


def test_the_demo_has_the_table_of_all_models_and_the_notes_their_scores(staged, inputs):
    (table,) = json.loads((staged / "demo" / "comparison.json").read_text())["splits"]
    scores = {who: json.loads((inputs["scores"] / who / "results.json").read_text())["splits"]["test"]
              for who in ("base", "adapter")}  # fmt: skip
    found = {model["kind"]: model for model in table["models"]}
    assert table["n"] == ROWS and {kind: model["name"] for kind, model in found.items()} == {
        "base": "arith-tiny", "adapter": "arith-puzzle-arith-tiny-lora", "other": "other"
    }  # fmt: skip
    for who, item in scores.items():
        assert (found[who]["pass@1"], found[who]["pass@1_ci95"]) == (item["pass@1"], pytest.approx(item["pass@1_ci95"]))
        assert {n: each["pass@1"] for n, each in found[who]["by_n"].items()} == item["by_n"]
    assert found["other"]["pair"] == found["base"]["pair"]
    assert json.loads((staged / "demo" / "settings.json").read_text())["comparison"] == "comparison.json"
    notes = {item["item_id"]: item["note"] for item in read_plan(staged)[0]["collection_items"]}
    low, high = scores["adapter"]["pass@1_ci95"]
    said = f"pass@1 {scores['adapter']['pass@1']:.3f} ({low:.3f} to {high:.3f}) on starter/test, n={ROWS}"
    assert (
        said in notes["local/arith-puzzle-arith-tiny-lora"]
        and said in notes["local/arith-puzzle-arith-tiny-lora-merged"]
    )
    assert "table of 3 models" in notes["local/arith-puzzle-demo"]


def test_models_that_answered_other_rows_are_refused_before_anything_is_staged(inputs, other, tmp_path):
    fewer = shutil.copytree(other, tmp_path / "fewer") / "generations-test.jsonl"
    fewer.write_text("".join(fewer.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(
        InputError, match=rf"fewer answered other rows of test than the release \({ROWS - 1} / {ROWS}\)"
    ):
        stage(RECIPE, "local", out=tmp_path / "stage", others=[fewer.parent], **inputs)
    assert [path.name for path in tmp_path.iterdir()] == ["fewer"]


def test_the_same_inputs_give_the_same_bytes(staged, inputs, other, tmp_path):
    again = stage(RECIPE, "local", out=tmp_path / "stage", merged=True, others=[other], **inputs)
    first, second = files(staged), files(again)
    assert first.keys() == second.keys()
    assert not [name for name in first if first[name].read_bytes() != second[name].read_bytes()]


def test_nothing_local_and_nothing_pickled_is_staged(staged, inputs):
    for name, path in files(staged).items():
        content = path.read_bytes()
        assert str(inputs["run"].parent).encode() not in content and str(ROOT).encode() not in content, name
        assert path.suffix not in (".pt", ".bin", ".pkl", ".pyc") and b"pickle" not in content[:1000], name
    record = json.loads((staged / "adapter" / "run.json").read_text())
    assert record["recipe"]["model"]["base"] == "local/arith-tiny"
    assert record["recipe"]["dataset"]["path"] == "local/arith-puzzle"
    config = json.loads((staged / "adapter" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("local/arith-tiny", TAG)


def test_the_benchmark_file_has_the_hubs_fields(staged):
    content = yaml.safe_load((staged / "dataset" / "eval.yaml").read_text())
    assert set(content) == {"name", "description", "evaluation_framework", "tasks"}
    assert content["evaluation_framework"] == "inspect-ai"
    (task,) = content["tasks"]  # train and validation are not benchmarks
    assert (task["id"], task["config"], task["split"]) == ("starter_test", "starter", "test")
    assert set(task) == {"id", "config", "split", "field_spec", "solvers", "scorers"}
    assert "starter_test: N=3 and 4, numbers up to 60" in content["description"]


@pytest.mark.parametrize("kind", ["adapter", "base"])
def test_results_for_the_leaderboard_are_those_that_were_measured(staged, inputs, kind):
    entries = parse_eval_result_entries(yaml.safe_load((staged / kind / benchmark.RESULTS_FILE).read_text()))
    measured = json.loads((inputs["scores"] / kind / "results.json").read_text())["splits"]["test"]
    (entry,) = entries
    assert (entry.dataset_id, entry.task_id, entry.value) == (
        "local/arith-puzzle",
        "starter_test",
        measured["pass@1"],
    )
    assert f"n = {ROWS}" in entry.notes and "greedy, zero-shot" in entry.notes
    (indexed,) = ModelCard.load(staged / kind / "README.md").data.eval_results
    assert indexed.metric_value == entry.value


def test_plots_are_pictures_without_a_date(staged):
    for path in [*(staged / "adapter" / "plots").iterdir(), staged / "base" / "plots" / "loss.png"]:
        content = path.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n" and b"tIME" not in content and b"Creation Time" not in content
    assert {path.name for path in (staged / "adapter" / "plots").iterdir()} == {"by_n.png", "loss.png", "reasons.png"}


def test_merged_weights_are_base_and_adapter_in_one(staged, inputs):
    """The merged model has the logits of base and adapter, not those of the base."""
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merged, info = AutoModelForCausalLM.from_pretrained(staged / "merged", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert not [name for name in load_file(staged / "merged" / "model.safetensors") if "lora" in name]
    base = AutoModelForCausalLM.from_pretrained(RECIPE.base_path)
    ids = AutoTokenizer.from_pretrained(staged / "merged")(["3,4,5:12\n5*4=20"], return_tensors="pt")
    with torch.inference_mode():
        alone = base(**ids).logits
        adapted = PeftModel.from_pretrained(base, inputs["run"]).eval()(**ids).logits
        together = merged.eval()(**ids).logits
    assert torch.allclose(together, adapted, atol=1e-3) and not torch.allclose(together, alone, atol=0.05)
    card = ModelCard.load(staged / "merged" / "README.md")
    assert card.data.base_model == "local/arith-tiny" and not card.data.eval_results


def test_imports_are_followed_through_functions_packages_and_dots(tmp_path):
    (tmp_path / "app.py").write_text(
        "import json\n\ndef late():\n    from arith_puzzle.metrics.verify_file import verify_file\n"
    )
    assert {
        "arith_puzzle/__init__.py",
        "arith_puzzle/metrics/__init__.py",
        "arith_puzzle/metrics/verify_file.py",
        "arith_puzzle/metrics/arith_puzzle_verifier/__init__.py",
        "arith_puzzle/metrics/arith_puzzle_verifier/aggregate.py",
        "arith_puzzle/metrics/arith_puzzle_verifier/verify.py",  # by a relative import
    } <= set(imported_files(tmp_path))
    (tmp_path / "app.py").write_text("import json, torch\nfrom verify import verify\n")
    assert imported_files(tmp_path) == []


@pytest.mark.parametrize(
    ("source", "place", "entry"),
    [
        (DEMO, "demo", "logic"),
        (INSPECT_TASK, "metric/inspect_task", "arith_puzzle.dataset_builder.puzzle"),
        (ENVIRONMENT, "environment", "arith_puzzle.environments.episodes"),
    ],
)
def test_what_a_pushed_folder_imports_is_in_it_byte_for_byte(staged, source, place, entry):
    folder = staged / place
    copies = imported_files(ROOT / source)
    assert copies and all((folder / file).read_bytes() == (ROOT / file).read_bytes() for file in copies)
    assert not (set(files(folder)) - set(copies) - set(files(ROOT / source)) - {"settings.json", "comparison.json"})
    code = f"""
import sys, {entry}
ours = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "arith_puzzle"]
print(all(file.startswith(sys.argv[1]) for file in ours), len(ours))
"""
    done = subprocess.run([sys.executable, "-c", code, folder], cwd=folder, capture_output=True, text=True)
    whole, count = done.stdout.split()
    assert whole == "True" and int(count) > 2, done.stderr


def test_the_metrics_folder_is_the_checkouts(staged):
    for path in (ROOT / METRIC).glob("*.py"):
        assert (staged / "metric" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", ["metric", "environment", "demo"])
def test_a_space_names_what_it_uses(staged, kind):
    card = SpaceCard.load(staged / kind / "README.md")
    assert card.data.datasets == ["local/arith-puzzle"]
    assert kind != "demo" or card.data.models == ["local/arith-puzzle-arith-tiny-lora", "local/arith-tiny"]
    assert card.data.title and card.data.license == "apache-2.0" and "local/" in card.text


def test_what_is_missing_or_broken_leaves_the_older_stage_as_it_was(inputs, tmp_path, monkeypatch):
    out = stage(RECIPE, "local", out=tmp_path / "stage", **inputs)
    before = {name: path.read_bytes() for name, path in files(out).items()}

    def refused(match, **changed):
        with pytest.raises(InputError, match=match) as caught:
            stage(RECIPE, "local", out=out, **inputs | changed)
        assert "\n" not in str(caught.value)
        assert {name: path.read_bytes() for name, path in files(out).items()} == before
        assert [path.name for path in tmp_path.iterdir()] == ["stage"]

    refused(r"results.json is missing; run the step that writes it", scores=tmp_path.parent)
    refused(r"manifest.json is missing", dataset=tmp_path.parent)
    monkeypatch.setattr("arith_puzzle.model_cards.render.adapter_card", lambda *a, **k: "---\nlicense: mit\n---\n\nx\n")
    refused("a model card needs license, library_name")
    whole = (out / "adapter" / "README.md").read_text()
    monkeypatch.setattr(
        "arith_puzzle.model_cards.render.adapter_card", lambda *a, **k: whole + "![x](plots/absent.png)\n"
    )
    refused("links to 'plots/absent.png'")


def test_a_chat_is_in_the_snippets_and_in_the_demos_settings(inputs, tmp_path):
    """The card asks by the template, with the system prompt, and stops at the token that ends a turn."""
    chat = Chat("Answer with equations.", {"enable_thinking": False})
    recipe = replace(RECIPE, chat=chat, dataset=replace(RECIPE.dataset, format="natural"),
                     score=replace(RECIPE.score, format="natural"))  # fmt: skip
    out = stage(recipe, "local", out=tmp_path / "stage", **recorded(recipe, inputs, tmp_path))
    code = next(each.code for each in snippets((out / "adapter" / "README.md").read_text()) if "tokenizer" in each.code)
    compile(code, "card", "exec")
    assert '{"role": "system", "content": "Answer with equations."}' in code
    assert "add_generation_prompt=True, return_dict=True" in code and "enable_thinking=False" in code
    assert "do_sample=False, eos_token_id=tokenizer.eos_token_id)" in code
    settings = json.loads((out / "demo" / "settings.json").read_text())
    assert settings["chat"] == {"system": "Answer with equations.", "template_kwargs": {"enable_thinking": False}}
    assert settings["format"] == "natural"


def test_the_page_shows_what_a_dry_run_prints(inputs, tmp_path):
    """All but the sizes. After a change: make transcript."""
    recipe = load_recipe("demo_cpu")
    page = transcript.PAGE.read_text(encoding="utf-8")
    made = transcript.filled(page, transcript.dry_run(recipe, **recorded(recipe, inputs, tmp_path)))
    found, shown = (re.sub(r" +[\d.]+[kMG]?B ", " size ", text) for text in (made, page))
    assert found == shown


def test_a_recipe_without_an_adapter_is_refused(inputs, tmp_path):
    with pytest.raises(InputError, match="no 'lora' section"):
        stage(replace(RECIPE, lora=None), "local", out=tmp_path / "stage", **inputs)


@pytest.fixture(scope="module")
def hub(staged, tmp_path_factory):
    """A local Hub with the repos of the stage."""
    from huggingface_hub import HfApi, constants

    from arith_puzzle.local_hub import running

    xet, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, True
    with running(tmp_path_factory.mktemp("hub")) as served:
        api = HfApi(endpoint=served.endpoint, token=served.token)
        for repo in plan(RECIPE, "local", merged=True):
            where = {"repo_id": repo.id, "repo_type": repo.type}
            api.create_repo(**where, **({"space_sdk": "gradio"} if repo.type == "space" else {}))
            api.upload_folder(**where, folder_path=staged / repo.kind)
            api.create_tag(**where, tag=TAG)
        yield served
    constants.HF_HUB_DISABLE_XET = xet


def card_snippets(staged, kind):
    return snippets((staged / kind / "README.md").read_text())


def follow(snippet, hub, home):
    """Run a snippet in a process of its own. Returns what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(snippet.command(home), cwd=home, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_the_adapters_snippet_prints_the_answer_that_was_scored_and_its_verdict(staged, hub, inputs, tmp_path):
    (snippet,) = card_snippets(staged, "adapter")
    first = json.loads((inputs["scores"] / "adapter" / "generations-test.jsonl").read_text().splitlines()[0])
    reason = verify(first["numbers"], first["target"], first["response"]).reason
    assert follow(snippet, hub, tmp_path) == f"{first['response']}\n{{'{reason}': 1.0}}\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["base", "dataset", "metric", "adapter", "merged"])
def test_every_snippet_of_every_card_runs_as_printed(staged, hub, tmp_path, kind):
    found = card_snippets(staged, kind)
    assert found
    for place, snippet in enumerate(found):
        home = tmp_path / str(place)
        home.mkdir()
        assert follow(snippet, hub, home) or snippet.language == "doctest"
