"""Generation: padding does not change answers, an adapter changes them, and merging it does not."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from arith_puzzle.evaluation.inference import Answer, Decoding, adapter_config, answer_batches, generate, load
from tests.paths import ROOT

TINY = str(ROOT / "training" / "bases" / "arith-tiny")


@pytest.fixture(scope="module")
def prompts(starter):
    from datasets import load_dataset

    rows = load_dataset(str(starter[0]), "starter", split="validation", streaming=True)
    puzzles = [row["prompt"] for row in rows.take(40)]
    return puzzles + [f"{a}{op}{b}=" for a in (2, 14, 60) for op in "+-*/" for b in (1, 7)]  # of many lengths


def answers(loaded, prompts, batch_size):
    batches = answer_batches(*loaded, prompts, batch_size=batch_size, max_new_tokens=24)
    return [answer for batch in batches for answer in batch]


def test_left_padding_gives_the_answers_of_batch_size_one(prompts):
    model, tokenizer = load(TINY)
    alone = answers((model, tokenizer), prompts, 1)
    assert answers((model, tokenizer), prompts, 7) == alone == answers((model, tokenizer), prompts, 64)
    assert len(set(alone)) > 20, "the answers are not all the same"
    tokenizer.padding_side = "right"
    assert answers((model, tokenizer), prompts, 64) != alone, "padding on the right changes answers: the test can fail"


def test_padding_does_not_change_a_tokens_probabilities(prompts):
    """Position ids count from the first real token, so padding to its left has no effect."""
    model, tokenizer = load(TINY)
    alone = model(**tokenizer(prompts[-1], return_tensors="pt")).logits[0, -1]
    batch = tokenizer([prompts[0], prompts[-1]], return_tensors="pt", padding=True)
    position_ids = (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    assert batch["attention_mask"][1, 0] == 0, "the second prompt is padded"
    padded = model(**batch, position_ids=position_ids).logits[1, -1]
    assert torch.allclose(alone, padded, atol=1e-4)


def test_generation_stops_at_eos_and_counts_it(learned):
    model, tokenizer = load(str(learned))
    ids = tokenizer(["2+3=", "10-4=", "7*1="])["input_ids"]
    found = generate(model, tokenizer, ids, Decoding(40))
    for answer in found:
        assert len(answer.text) < 12 and answer.new_tokens == len(answer.text) + 1, found  # a character is a token
    cut = generate(model, tokenizer, ids, Decoding(1))
    assert [answer.new_tokens for answer in cut] == [1, 1, 1]
    assert [answer.text for answer in cut] == [answer.text[:1] for answer in found]


def test_a_stop_text_ends_an_answer_and_is_no_part_of_it(adapted, prompts):
    model, tokenizer = load(adapter=str(adapted))
    ids = tokenizer(prompts[:16])["input_ids"]
    whole = generate(model, tokenizer, ids, Decoding(24))
    cut = generate(model, tokenizer, ids, Decoding(24, stop="="))
    assert [answer.text for answer in cut] == [answer.text.split("=")[0] for answer in whole]
    assert any("=" in answer.text for answer in whole)
    for before, after in zip(whole, cut, strict=True):
        assert after.new_tokens == (len(after.text) + 1 if "=" in before.text else before.new_tokens)


@pytest.mark.parametrize("stop", [None, "\n", "=1"])
def test_rows_that_are_finished_leave_the_batch_and_nothing_changes(adapted, prompts, stop, monkeypatch):
    model, tokenizer = load(adapter=str(adapted), merge=True)
    ids = tokenizer(prompts)["input_ids"]
    sizes, inner = [], model.generate
    monkeypatch.setattr(
        model, "generate", lambda **options: sizes.append(len(options["input_ids"])) or inner(**options)
    )
    for limit in (1, 7, 40):
        at_once = generate(model, tokenizer, ids, Decoding(limit, stop=stop))
        assert sizes == [len(ids)]
        sizes.clear()
        monkeypatch.setattr("arith_puzzle.evaluation.inference.ROUND", 3)
        assert generate(model, tokenizer, ids, Decoding(limit, stop=stop)) == at_once
        assert sizes[0] == len(ids) and sizes == sorted(sizes, reverse=True) and len(sizes) <= -(-limit // 3)
        assert limit < 40 or stop == "=1" or sizes[-1] < sizes[0], "some end before others"
        monkeypatch.undo()
        monkeypatch.setattr(
            model, "generate", lambda **options: sizes.append(len(options["input_ids"])) or inner(**options)
        )
        sizes.clear()


def test_a_sliding_window_slides_in_the_cache_too(tmp_path, monkeypatch):
    """Answers of several windows, from which rows leave the batch, equal those of a model without a cache."""
    from arith_puzzle.evaluation import inference
    from arith_puzzle.training.tiny import build_tokenizer, init_model

    monkeypatch.setattr(inference, "ROUND", 7)
    monkeypatch.setattr(inference, "ROOM", 5)
    tokenizer = build_tokenizer(pairs=True)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    init_model(shape | {"sliding_window": 10}, tokenizer, seed=3).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model, tokenizer = load(str(tmp_path))
    with torch.no_grad():
        for parameter in model.parameters():  # otherwise all logits are nearly equal
            parameter.mul_(4.0)
    prompts = ["3,6,7,51,58:4\n", "1058,1999,20,7:13\n", "1:", "17+4="]
    ids = [tokenizer(text)["input_ids"] for text in prompts]
    found = generate(model, tokenizer, ids, Decoding(60))
    assert any(answer.new_tokens == 60 for answer in found)
    for prompt, answer in zip(ids, found, strict=True):
        whole = torch.tensor([prompt])
        with torch.no_grad():
            for _ in range(answer.new_tokens):
                whole = torch.cat([whole, model(whole, use_cache=False).logits[:, -1:].argmax(-1)], dim=1)
        assert tokenizer.decode(whole[0, len(prompt) :], skip_special_tokens=True) == answer.text
    model.config.sliding_window = 1000
    assert generate(model, tokenizer, ids, Decoding(60)) != found, "the window matters"


def test_pad_is_not_eos_and_a_tokenizer_without_pad_answers_the_same(learned, adapted, prompts, tmp_path):
    model, tokenizer = load(str(learned))
    for folder in (TINY, str(learned), str(adapted)):
        _, own = load(**({"adapter": folder} if folder == str(adapted) else {"model": folder}))
        assert own.pad_token_id not in (None, own.eos_token_id)
    bare = shutil.copytree(learned, tmp_path / "bare")
    config = json.loads((bare / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (bare / "tokenizer_config.json").write_text(json.dumps(config))
    unpadded = load(str(bare))
    assert unpadded[1].pad_token_id == unpadded[1].eos_token_id
    ids = tokenizer(prompts)["input_ids"]
    assert generate(*unpadded, ids, Decoding(16)) == generate(model, tokenizer, ids, Decoding(16))


def test_every_eos_of_the_repo_ends_an_answer_and_its_penalties_do_not_count(learned, prompts, tmp_path):
    model, tokenizer = load(str(learned))
    ids = tokenizer(prompts)["input_ids"]
    plain = generate(model, tokenizer, ids, Decoding(16))
    told = shutil.copytree(learned, tmp_path / "told")
    config = json.loads((told / "generation_config.json").read_text())
    config |= {"repetition_penalty": 3.0, "do_sample": True, "temperature": 0.1, "top_k": 2}
    (told / "generation_config.json").write_text(json.dumps(config))
    assert generate(*load(str(told)), ids, Decoding(16)) == plain

    first = tokenizer(plain[0].text[0], add_special_tokens=False)["input_ids"][0]
    config["eos_token_id"] = [tokenizer.eos_token_id, first]
    (told / "generation_config.json").write_text(json.dumps(config))
    assert generate(*load(str(told)), ids[:1], Decoding(16))[0].new_tokens == 1


def logits(loaded, prompts):
    model, tokenizer = loaded
    with torch.inference_mode():
        batch = tokenizer(prompts, return_tensors="pt", padding=True)
        return model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, -1]


def test_the_adapter_is_not_the_base_and_merged_it_is_the_adapter(learned, adapted, prompts):
    base, adapter = load(str(learned)), load(str(learned), adapter=str(adapted))
    merged = load(str(learned), adapter=str(adapted), merge=True)
    assert not hasattr(merged[0], "peft_config") and hasattr(adapter[0], "peft_config")
    with_base, with_adapter, with_merged = (answers(each, prompts, 32) for each in (base, adapter, merged))
    assert with_base != with_adapter and with_merged == with_adapter
    assert (logits(base, prompts) - logits(adapter, prompts)).abs().max() > 0.1
    assert torch.allclose(logits(adapter, prompts), logits(merged, prompts), atol=1e-4)


def test_a_merged_folder_is_a_model_like_any(adapted, prompts, tmp_path):
    merged = load(adapter=str(adapted), merge=True)
    merged[0].save_pretrained(tmp_path)
    merged[1].save_pretrained(tmp_path)
    assert answers(load(str(tmp_path)), prompts, 32) == answers(merged, prompts, 32)


def test_an_adapter_without_a_tokenizer_takes_the_bases(adapted, prompts, tmp_path):
    bare = shutil.copytree(adapted, tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer*"))
    assert answers(load(adapter=str(bare)), prompts, 32) == answers(load(adapter=str(adapted)), prompts, 32)


def test_a_relative_base_counts_from_the_working_folder_or_the_adapters(adapted, tmp_path, monkeypatch):
    adapter = shutil.copytree(adapted, tmp_path / "runs" / "adapter")
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "../base"}))
    (tmp_path / "runs" / "base").mkdir()
    assert adapter_config(str(adapter))["base_model_name_or_path"] == str(adapter / "../base")
    (tmp_path / "base").mkdir()
    monkeypatch.chdir(tmp_path / "runs")
    assert adapter_config(str(adapter))["base_model_name_or_path"] == "../base"


def test_a_pad_token_that_training_added_is_in_nobodys_way(learned, prompts, tmp_path):
    """Training adds a pad token beyond the base's embeddings; only the adapter's tokenizer has it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = tmp_path / "base"
    tokenizer = AutoTokenizer.from_pretrained(learned)
    AutoModelForCausalLM.from_pretrained(learned).save_pretrained(base)
    tokenizer.save_pretrained(base)
    tokenizer.add_special_tokens({"pad_token": "<another pad>"})
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    adapter = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    adapter.save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")
    loaded = load(adapter=str(tmp_path / "adapter"))
    assert loaded[1].pad_token == "<another pad>" and loaded[1].pad_token_id == len(tokenizer) - 1
    assert answers(loaded, prompts, 32) == answers(loaded, prompts, 1)


def test_sampling_comes_from_its_seed_alone(learned, prompts):
    loaded = load(str(learned))
    ids = loaded[1](prompts)["input_ids"]
    draw = Decoding(16, temperature=1.5)
    torch.manual_seed(1)
    one = generate(*loaded, ids, draw, seed=5)
    torch.manual_seed(2)
    assert generate(*loaded, ids, draw, seed=5) == one != generate(*loaded, ids, draw, seed=6)
    nucleus = generate(*loaded, ids, Decoding(16, temperature=1.0, top_p=1e-6), seed=5)
    assert nucleus == generate(*loaded, ids, Decoding(16)), "a nucleus of one token is greedy"
    assert all(isinstance(answer, Answer) for answer in one)


def test_the_prompt_that_is_asked_is_a_prefix_of_what_was_trained(starter):
    from datasets import load_dataset
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TINY)
    for row in load_dataset(str(starter[0]), "starter", split="validation", streaming=True).take(200):
        asked, trained = (
            tokenizer(row["prompt"])["input_ids"],
            tokenizer(row["prompt"] + row["completion"])["input_ids"],
        )
        assert trained[: len(asked)] == asked and len(trained) > len(asked)


@pytest.mark.slow
def test_the_bases_revision_that_the_adapter_records_is_the_one_that_is_loaded(learned, adapted, tmp_path):
    """With the real client and its cache. main has changed since the adapter was trained on v1."""
    repo = tmp_path / "hub" / "models--someone--base"
    for revision, commit in (("v1", "1" * 40), ("main", "2" * 40)):
        shutil.copytree(learned, repo / "snapshots" / commit, ignore=shutil.ignore_patterns("trackio"))
        (repo / "refs").mkdir(exist_ok=True)
        (repo / "refs" / revision).write_text(commit)
    weights = repo / "snapshots" / ("2" * 40) / "model.safetensors"
    save_file({name: -tensor for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    adapters = {"v1": tmp_path / "on-v1", None: tmp_path / "on-main"}
    for revision, adapter in adapters.items():
        shutil.copytree(adapted, adapter)
        config = adapter_config(str(adapter)) | {"base_model_name_or_path": "someone/base", "revision": revision}
        (adapter / "adapter_config.json").write_text(json.dumps(config))
    program = (
        "import json, sys; from arith_puzzle.evaluation.inference import answer_batches, load\n"
        "print(json.dumps([next(answer_batches(*load(adapter=adapter), ['3,6,7:4\\n', '2+3='], max_new_tokens=16))"
        " for adapter in sys.argv[1:]]))"
    )
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", program, *map(str, adapters.values())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    on_v1, on_main = json.loads(done.stdout.splitlines()[-1])
    here = next(answer_batches(*load(adapter=str(adapted)), ["3,6,7:4\n", "2+3="], max_new_tokens=16))
    assert on_v1 == here != on_main
