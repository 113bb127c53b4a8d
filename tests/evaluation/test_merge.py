"""Merging: the saved model answers like base and adapter; otherwise nothing is written and the error is one line."""

import json
import shutil

import pytest
import torch

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.provenance import check_base
from arith_puzzle.evaluation import merge
from arith_puzzle.evaluation.inference import answer_batches, load
from arith_puzzle.evaluation.merge import merge_adapter
from tests.commands import command

main = command("merge")

PROMPTS = ["3,6,7:4\n", "9,12,40:19\n", "17+4=", "60*7="]


def answers(loaded):
    return next(answer_batches(*loaded, PROMPTS, max_new_tokens=24))


def logits(loaded):
    model, tokenizer = loaded
    with torch.inference_mode():
        return [model(**tokenizer(prompt, return_tensors="pt")).logits[0, -1] for prompt in PROMPTS]


@pytest.fixture(scope="module")
def tied(learned, tmp_path_factory):
    """A LoRA adapter on the embeddings of a base whose output layer shares their weights."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(learned)
    assert base.config.tie_word_embeddings and base.lm_head.weight is base.model.embed_tokens.weight
    torch.manual_seed(0)
    targets = ["q_proj", "embed_tokens"]
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=16, target_modules=targets, init_lora_weights=False))
    folder = tmp_path_factory.mktemp("tied") / "adapter"
    model.save_pretrained(folder)
    return folder


def test_the_merged_model_answers_like_base_and_adapter(learned, adapted, tmp_path):
    merge_adapter(str(adapted), tmp_path / "merged", base=str(learned), name="someone/base")
    merged, separate, base = load(str(tmp_path / "merged")), load(adapter=str(adapted)), load(str(learned))
    assert answers(merged) == answers(separate) != answers(base)
    for one, other in zip(logits(merged), logits(separate), strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert not (tmp_path / "merged" / "adapter_config.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


def test_the_command_writes_a_model_and_refuses_a_folder_that_exists(adapted, tmp_path, capsys):
    out = tmp_path / "merged"
    assert main(["--adapter", str(adapted), "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert answers(load(str(out))) == answers(load(adapter=str(adapted)))
    written = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    assert main(["--adapter", str(adapted), "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"arith-puzzle merge: {out} exists; give another --out, or delete it\n"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == written


def test_an_adapter_on_tied_embeddings_is_refused(tied, tmp_path, capsys):
    """Merging changes the output layer with the embeddings; base and adapter leave it as it is."""
    assert main(["--adapter", str(tied), "--out", str(tmp_path / "merged")]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith(f"arith-puzzle merge: merging {str(tied)!r} changes the model: logits differ by "), line
    assert "use the adapter on its base instead" in line
    assert not list(tmp_path.iterdir())


def test_every_prompt_is_compared(adapted, tmp_path, monkeypatch):
    differences = {"3,6,7:4\n": 0.0, "17+4=": 2 * merge.TOLERANCE}
    compared = iter(differences.values())
    monkeypatch.setattr(merge, "_largest_difference", lambda *_: next(compared))
    with pytest.raises(InputError, match=r"logits differ by 0\.02 on '17\+4='"):
        merge_adapter(str(adapted), tmp_path / "merged", prompts=list(differences))
    assert not list(tmp_path.iterdir())


def test_a_difference_that_is_not_a_number_is_refused(adapted, tmp_path, monkeypatch):
    monkeypatch.setattr(merge, "_largest_difference", lambda *_: float("nan"))
    with pytest.raises(InputError, match="logits differ by nan"):
        merge_adapter(str(adapted), tmp_path / "merged")


@pytest.mark.parametrize("how", ["no adapter", "config is not JSON", "config is a list", "no weights"])
def test_what_cannot_be_loaded_is_one_line(how, adapted, learned, tmp_path, capsys):
    adapter, out = tmp_path / "adapter", tmp_path / "merged"
    if how != "no adapter":
        adapter.mkdir()
        named = json.dumps({"base_model_name_or_path": str(learned)})
        text = {"config is not JSON": "{", "config is a list": f"[{named}]"}.get(how, named)
        (adapter / "adapter_config.json").write_text(text)
    assert main(["--adapter", str(adapter), "--out", str(out)]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("arith-puzzle merge: ") and str(adapter) in line, line
    assert not out.exists()


def test_a_full_disk_leaves_nothing(adapted, small_disk, capsys):
    disk = small_disk(16 * 1024)
    assert main(["--adapter", str(adapted), "--out", str(disk / "merged")]) == 2
    assert "arith-puzzle merge: cannot merge" in capsys.readouterr().err
    assert not list(disk.iterdir())


@pytest.fixture
def moved(learned, adapted, tmp_path):
    """(adapter, base): copies, of which the adapter names the base beside it and knows its content."""
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    shutil.copytree(learned, base)
    shutil.copytree(adapted, adapter)
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": str(base)}))
    return adapter, base


def test_a_base_that_has_changed_since_the_training_is_refused_unless_it_is_named(moved, starter, tmp_path, capsys):
    adapter, base = moved
    out, scored = ["--out", str(tmp_path / "merged")], ["--out", str(tmp_path / "score")]
    rows = ["--dataset", str(starter[0]), "--split", "test", "--limit", "2", "--max-new-tokens", "4"]
    assert command("score")(["--adapter", str(adapter), *rows, *scored]) == 0, "the same content elsewhere"
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-3}))
    capsys.readouterr()
    for name, words in (("merge", out), ("score", [*rows, *scored])):
        assert command(name)(["--adapter", str(adapter), *words]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert "has changed since its training" in said and "or name the base by --model to use it anyway" in said
    assert not (tmp_path / "merged").exists()
    assert main(["--adapter", str(adapter), "--model", str(base), *out]) == 0


def test_the_published_copy_of_a_base_cannot_be_compared_with_its_folder(adapted):
    """An adapter that was downloaded has the run.json of its training, and names the base on the Hub."""
    check_base(str(adapted), "me/base@0123abcd")
    with pytest.raises(InputError, match="has changed since its training"):
        check_base(str(adapted), "0123abcd")


@pytest.mark.parametrize("words", [["--adapter", "nope"], ["--adapter", "ADAPTER", "--model", "nope"]])
def test_a_name_that_is_no_folder_is_said_first(moved, tmp_path, capsys, monkeypatch, words):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    words = [str(moved[0]) if word == "ADAPTER" else word for word in words]
    assert main([*words, "--out", str(tmp_path / "merged")]) == 2
    assert "there is no folder 'nope', and the Hub says: " in capsys.readouterr().err.splitlines()[-1]
