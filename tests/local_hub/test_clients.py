"""The local Hub, used by the other clients: datasets, evaluate, transformers, peft, hf. Each runs in a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi

from tests.local_hub.hub_client import add, client

pytestmark = pytest.mark.usefixtures("no_xet")


def parquet(numbers: list[int]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"target": numbers}), sink)
    return sink.getvalue().to_pybytes()


def test_datasets_whole_and_streaming(hub, api, tmp_path):
    """`load_dataset` works with the full name, and with the bare name beside a downloaded folder.

    The client refuses the bare name without such a folder, whatever the Hub answers: huggingface_hub's hf:// addresses
    need a namespace (https://github.com/huggingface/datasets/issues/8612). A client that accepts the bare name must get
    the right rows.
    """
    api.create_repo("local/arith-puzzle", repo_type="dataset")
    HfApi(endpoint=hub.endpoint, token="hf_other").create_repo("other/arith-puzzle", repo_type="dataset")  # younger
    card = b"---\nconfigs:\n- config_name: starter\n  data_files:\n"
    card += b"  - {split: train, path: starter/train-*.parquet}\n  - {split: test, path: starter/test-*.parquet}\n---\n"
    files = [add("README.md", card), add("starter/test-00000.parquet", parquet([7]))]
    files += [add(f"starter/train-0000{n}.parquet", parquet([n, n + 10])) for n in range(2)]
    api.create_commit("local/arith-puzzle", files, commit_message="data", repo_type="dataset")
    assert api.dataset_info("arith-puzzle").id == "local/arith-puzzle"
    code = """
        import json
        from datasets import load_dataset
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfUriError

        def rows(name):
            whole = load_dataset(name, "starter")
            stream = load_dataset(name, streaming=True)
            return [{split: [row["target"] for row in data[split]] for split in data} for data in (whole, stream)]

        found = {"full": rows("local/arith-puzzle")}
        try:
            found["bare"] = rows("arith-puzzle")
        except HfUriError:
            found["bare"] = "refused by the client"
        snapshot_download("arith-puzzle", repo_type="dataset", local_dir="arith-puzzle")
        found["folder"] = rows("arith-puzzle")
        print(json.dumps(found))
    """
    found = json.loads(client(hub, code, tmp_path).splitlines()[-1])
    wanted = [{"train": [0, 10, 1, 11], "test": [7]}] * 2
    assert found["full"] == wanted and found["folder"] == wanted
    assert found["bare"] in (wanted, "refused by the client")


@pytest.mark.slow
def test_evaluate_loads_a_metric(hub, api, tmp_path):
    api.create_repo("local/tiny_metric", repo_type="space", space_sdk="gradio")
    module = b"""
import datasets
import evaluate

from .same import same


class Tiny(evaluate.Metric):
    def _info(self):
        kinds = {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(description="", citation="", features=datasets.Features(kinds))

    def _compute(self, predictions, references):
        return {"same": same(predictions, references)}
"""
    helper = b"def same(a, b):\n    return sum(x == y for x, y in zip(a, b)) / len(a)\n"
    files = [add("tiny_metric.py", module), add("same.py", helper)]
    api.create_commit("local/tiny_metric", files, commit_message="metric", repo_type="space")
    assert api.space_info("local/tiny_metric").sdk == "gradio"
    code = """
        import evaluate
        metric = evaluate.load("local/tiny_metric")
        print(metric.compute(predictions=[1, 2, 3, 4], references=[1, 2, 3, 5]))
    """
    assert client(hub, code, tmp_path).splitlines()[-1] == "{'same': 0.75}"


@pytest.mark.slow
def test_transformers_and_peft_push_and_load(hub, api, tmp_path):
    code = """
        import torch
        from peft import LoraConfig, PeftModel, get_peft_model
        from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

        sizes = dict(vocab_size=20, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
        base = LlamaForCausalLM(LlamaConfig(**sizes))
        base.push_to_hub("local/tiny-base")
        base.name_or_path = base.config._name_or_path = "local/tiny-base"
        adapter = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
        adapter.push_to_hub("local/tiny-lora")

        again = AutoModelForCausalLM.from_pretrained("local/tiny-base")
        plain = again(torch.arange(5)[None]).logits
        again = PeftModel.from_pretrained(again, "local/tiny-lora")
        tuned = again(torch.arange(5)[None]).logits
        assert torch.equal(tuned, adapter(torch.arange(5)[None]).logits) and not torch.equal(plain, tuned)
        print("same")
    """
    assert client(hub, code, tmp_path, token=hub.token).splitlines()[-1] == "same"
    info = api.model_info("local/tiny-lora", files_metadata=True)
    assert [file.rfilename for file in info.siblings if file.lfs] == ["adapter_model.safetensors"]
    assert (
        json.loads(Path(api.hf_hub_download("local/tiny-lora", "adapter_config.json", cache_dir=tmp_path)).read_text())[
            "base_model_name_or_path"
        ]
        == "local/tiny-base"
    )


@pytest.mark.slow
def test_the_hf_command(hub, api, tmp_path):
    env = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    env |= {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home")}
    env |= {"HF_TOKEN": hub.token, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

    def hf(*arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("hf")), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr + done.stdout
        assert hub.token not in done.stdout + done.stderr
        return done.stdout

    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "w.bin").write_bytes(os.urandom(3000))
    (tmp_path / "up" / "README.md").write_text("---\nlicense: mit\n---\n")
    name = f"local/hf-{os.urandom(3).hex()}"
    assert "local" in hf("auth", "whoami")
    hf("repos", "create", name, "--repo-type", "dataset", "--private")
    hf("upload", name, "up", ".", "--repo-type", "dataset", "--commit-message", "by the command")
    hf("repos", "tag", "create", name, "v1", "--repo-type", "dataset")
    assert "v1" in hf("repos", "tag", "list", name, "--repo-type", "dataset")
    hf("download", name, "--repo-type", "dataset", "--revision", "v1", "--local-dir", "down")
    assert (tmp_path / "down" / "w.bin").read_bytes() == (tmp_path / "up" / "w.bin").read_bytes()
    assert api.list_repo_commits(name, repo_type="dataset")[0].title == "by the command"
    hf("repos", "delete", name, "--repo-type", "dataset", "--yes")
    assert not api.repo_exists(name, repo_type="dataset")
