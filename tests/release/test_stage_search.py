"""The stage of a small model that searches before it answers: its cards and its settings."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.search_traces import SEARCH_MARKER
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.model_cards.snippets import snippets
from arith_puzzle.release.inputs import check_recipe
from arith_puzzle.release.stage import stage
from arith_puzzle.training.recipe import load_recipe
from tests.paths import ROOT

NAME, MAX_NEW_TOKENS, ROWS = "arith-puzzle-toy-search-lora", 200, 2
SFT = {
    "bf16": False, "use_cpu": True, "activation_checkpointing": False, "dataloader_pin_memory": False,
    "report_to": "none", "logging_steps": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(starter, tmp_path_factory):
    """(recipe, arguments of ``stage``): arith-tiny trained on other drills, and an adapter that knows two puzzles."""
    from arith_puzzle.evaluation.score import score
    from arith_puzzle.training.sft import train

    root = tmp_path_factory.mktemp("search")

    def recipe(name, **sections):
        (root / f"{name}.yaml").write_text(yaml.safe_dump({"name": name} | sections))
        return load_recipe(root / f"{name}.yaml")

    base = recipe(
        "toy-search",
        drills={"rows": 64, "drill_share": 0.5, "limit": 1500, "v": 30, "sizes": [3, 4, 4], "format": "search"},
        model={"base": "training/bases/arith-tiny", "positions": 512},
        sft=SFT | {"max_steps": 5, "per_device_train_batch_size": 8, "learning_rate": 1.0e-3},
    )
    train(base, root / "toy-search")
    adapter = recipe(
        NAME,
        dataset={"split": "test", "rows": ROWS, "format": "search"},
        model={"base": str(root / "toy-search")},
        lora={"r": 16, "lora_dropout": 0.0},
        sft=SFT | {"max_steps": 30, "per_device_train_batch_size": ROWS, "learning_rate": 1.0e-2},
        score={"splits": ["test"], "batch_size": 4, "max_new_tokens": MAX_NEW_TOKENS, "format": "search"},
    )
    train(adapter, root / "train", dataset=str(starter[0]))
    for who, path in (("base", None), ("adapter", str(root / "train"))):
        score(adapter.base_path, path, str(starter[0]), "starter", ["test"], root / "score" / who, name=who, limit=ROWS,
              prompt_format="search", batch_size=4, max_new_tokens=MAX_NEW_TOKENS)  # fmt: skip
    return adapter, {"dataset": starter[0], "run": root / "train", "scores": root / "score"}


@pytest.fixture(scope="module")
def staged(made, tmp_path_factory):
    recipe, inputs = made
    return stage(recipe, "local", out=tmp_path_factory.mktemp("stage") / "stage", merged=True,
                 stated_licence="apache-2.0", **inputs)  # fmt: skip


@pytest.fixture(scope="module")
def first(made):
    """The first scored answer: "raw" is the search, the marker and the answer; "response" is the answer."""
    return json.loads((made[1]["scores"] / "adapter" / "generations-test.jsonl").read_text().splitlines()[0])


def card(staged, kind):
    return (staged / kind / "README.md").read_text()


def words(text):
    """The text in one line, because sentences of a card have line breaks."""
    return " ".join(text.split())


def test_the_toy_adapter_searches_and_answers(first):
    """The other tests need this: the answers are real, and the search is longer than the answer in it."""
    search, answer = first["raw"].split(f"\n{SEARCH_MARKER}\n")
    assert answer == first["response"] and len(search) > len(answer)
    assert verify(first["numbers"], first["target"], answer).correct
    assert verify(first["numbers"], first["target"], first["raw"]).reason == "illegal_characters"


def test_the_snippet_cuts_out_the_strict_answer_and_judges_it(staged, first, tmp_path, monkeypatch, capsys):
    """The snippet runs as printed, except that folders of the stage replace the names on the Hub."""
    (snippet,) = snippets(card(staged, "adapter"))
    assert f"max_new_tokens={MAX_NEW_TOKENS}," in snippet.code
    cut = next(line for line in snippet.code.splitlines() if line.startswith("answer = "))
    assert cut.split("  #")[0] == r'answer = text.rpartition("\n:\n")[2]'
    for raw, answer in ((first["raw"], first["response"]), ("1+1=2", "1+1=2"), ("5-3=2\n:\n5\n:\n6", "6")):
        values = {"text": raw}
        exec(cut, values)
        assert values["answer"] == answer

    code = snippet.code.replace(f"local/{NAME}", str(staged / "adapter"))
    code = code.replace("local/arith_puzzle_verifier", str(staged / "metric" / "arith_puzzle_verifier.py"))
    config = json.loads((staged / "adapter" / "adapter_config.json").read_text())
    monkeypatch.chdir(tmp_path)  # where the base's name on the Hub is a folder
    (tmp_path / "local").mkdir()
    (tmp_path / config["base_model_name_or_path"]).symlink_to(staged / "base")
    exec(code, {})
    assert capsys.readouterr().out == f"{first['raw']}\n{{'ok': 1.0}}\n"


@pytest.mark.parametrize("kind", ["adapter", "merged", "base"])
def test_cards_say_what_the_model_writes_and_what_is_judged(staged, kind):
    text = words(card(staged, kind))
    assert "An attempt combines two numbers in an equation, writes the remaining numbers as a puzzle" in text
    assert "there is a line with only `:`, the marker. Below it is the answer for the verifier" in text
    assert "Only the part after the marker is judged" in text
    assert "greedy, zero-shot, symbolic prompt, a search before the answer, exact division" in text
    assert (f"scored with up to {MAX_NEW_TOKENS} new tokens" in text) == (kind != "base")


def test_the_card_shows_the_whole_text_and_the_generations_hold_both(staged, first):
    text = card(staged, "adapter")
    assert f"```text\n{first['raw']}\n```" in text and "The verdict on the part after the marker was `ok`" in text
    published = json.loads((staged / "adapter" / "generations" / "adapter-test.jsonl").read_text().splitlines()[0])
    assert published == first and "`raw` is all that the model wrote" in text


def test_the_bases_card_takes_its_drills_from_its_own_run(staged, made):
    text = words(card(staged, "base"))
    source = json.loads((ROOT / "training" / "bases" / "arith-tiny" / "manifest.json").read_text())
    digest = source["model.safetensors"]["sha256"][:16]
    assert f"trained further from `arith-tiny` (weights with the SHA-256 `{digest}…`, all parameters) on single" in text
    assert (
        "equations with numbers up to 1,500 and on puzzles of 3 and 4 numbers up to 30, answered by a search." in text
    )
    assert "| base | all that `arith-tiny` saw, with which it began |" in text and "from scratch" not in text
    assert re.search(r"\| base \| [0-9,]+ puzzles of `train` \| 3 and 4 \| 30 \|", text)
    assert ModelCard.load(staged / "base" / "README.md").data.base_model is None  # the initial weights have no Hub id
    run = (Path(made[0].base_path) / "run.json").read_text()
    assert (staged / "base" / "run.json").read_text() == run  # a manifest beside it has its hash
    assert json.loads(run)["recipe"]["model"]["base"] == "training/bases/arith-tiny"


def test_the_demo_is_told_the_format(staged):
    settings = json.loads((staged / "demo" / "settings.json").read_text())
    assert settings["format"] == "search" and settings["adapter"] == f"local/{NAME}"


def test_nothing_local_is_staged(staged, made):
    for path in (path for path in staged.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert str(made[1]["run"].parent).encode() not in content and str(ROOT).encode() not in content, path


def test_formats_that_no_card_explains_are_refused_before_anything_is_made(made):
    recipe, _ = made
    check_recipe(recipe)
    dataset, asked = recipe.dataset, recipe.score
    answers = replace(recipe, dataset=replace(dataset, format="procedure"), score=replace(asked, format="symbolic"))
    check_recipe(answers)
    for wrong, said in (
        ({"score": replace(asked, format="backward"), "dataset": replace(dataset, format="backward")}, "is backward"),
        ({"score": replace(asked, format="symbolic")}, "dataset.format is search and score.format is symbolic"),
        ({"dataset": None}, "no 'dataset' section"),
    ):
        with pytest.raises(InputError, match=said):
            check_recipe(replace(recipe, **wrong))
