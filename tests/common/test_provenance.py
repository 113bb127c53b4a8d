"""Provenance: a digest covers every byte of an input's weights, and the hardware is recorded."""

import hashlib
import json

import pytest

from arith_puzzle.common.provenance import INDEX, digest, hardware


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
