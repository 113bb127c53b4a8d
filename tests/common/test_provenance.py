"""Provenance: a digest covers every byte of an input's weights, and the hardware is recorded."""

import hashlib
import json

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.provenance import INDEX, check_name, dataset_content, digest, hardware, model_content


def test_a_digest_is_of_the_weights_and_none_of_a_hub_id(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    assert digest(str(tmp_path)) == hashlib.sha256(b"{}").hexdigest() == digest(str(tmp_path / "manifest.json"))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert digest(str(tmp_path)) == hashlib.sha256(b"weights").hexdigest()
    assert digest("someone/model") is None and digest(None) is None


def test_of_weights_in_shards_every_shard_counts(tmp_path):
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}))
    for shard in ("1", "2"):
        (tmp_path / f"{shard}.safetensors").write_bytes(shard.encode())
    before = digest(str(tmp_path))
    assert before == digest(str(tmp_path)) and len(before) == 64
    (tmp_path / "2.safetensors").write_bytes(b"3")
    assert digest(str(tmp_path)) != before


def test_the_hardware_of_a_cpu_has_no_gpu():
    pytest.importorskip("torch", reason="the core alone is installed")
    found = hardware("cpu")
    assert hardware("cpu:0") == found
    assert found["device"] == "cpu" and found["gpu"] is None and found["threads"] >= 1 <= found["cpu_count"]


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "adapter_config.json", "vocab.txt"]
)
def test_the_content_of_a_model_is_that_of_all_its_files(tmp_path, name):
    for each in ("model.safetensors", "tokenizer.json", "config.json", "README.md", "run.json"):
        (tmp_path / each).write_text(each)
    before = model_content(str(tmp_path))
    (tmp_path / "run.json").write_text("another record")
    assert model_content(str(tmp_path)) == before
    (tmp_path / name).write_text("another")
    assert model_content(str(tmp_path)) != before


def test_the_content_of_a_dataset_is_that_of_its_splits_files(tmp_path):
    pytest.importorskip("datasets", reason="the core alone is installed")
    files = {split: [{"split": split, "path": f"{split}.jsonl"}] for split in ("train", "test")}
    configs = [{"config_name": "a", "data_files": files["train"] + files["test"]}]
    (tmp_path / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n")
    for split in files:
        (tmp_path / f"{split}.jsonl").write_text('{"x": 1}\n')

    def found():
        return [dataset_content(str(tmp_path), "a", split) for split in ("train", "test", None)]

    before = found()
    (tmp_path / "test.jsonl").write_text('{"x": 2}\n')
    assert [one == other for one, other in zip(found(), before, strict=True)] == [True, False, False]
    with pytest.raises(ValueError, match="no split 'far'"):
        dataset_content(str(tmp_path), "a", "far")


def test_a_path_at_which_nothing_is_is_never_asked_for_on_the_hub(tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub", reason="the core alone is installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    for good in ("runs/mine", "gpt2", "someone/model"):
        check_name(good, "adapter")
    with pytest.raises(InputError, match=r"the adapter 'runs/mien' is not in the folder 'runs'; correct it"):
        check_name("runs/mien", "adapter")
    (tmp_path / "cache" / "models--runs--mien").mkdir(parents=True)
    check_name("runs/mien", "adapter")
    for bad in ("./mien", "/runs/mien", "runs/mine/mien"):
        with pytest.raises(InputError, match="is neither a folder nor the id of a Hub repo; build it"):
            check_name(bad, "dataset", "build it")
