"""Several processes: two on this CPU give the weights of one. accelerate itself reads the files for GPUs."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from accelerate.utils.launch import prepare_multi_gpu_env
from safetensors.torch import load_file

from arith_puzzle.training.recipe import load_recipe
from tests.paths import ROOT

CONFIGS = {path.name: path for path in sorted((ROOT / "training" / "accelerate").glob("*.yaml"))}
BASE = ROOT / "training" / "bases" / "arith-tiny" / "model.safetensors"
SFT = {
    "max_steps": 10, "learning_rate": 1.0e-2, "lr_scheduler_type": "cosine", "bf16": False, "report_to": "none",
    "activation_checkpointing": False, "dataloader_pin_memory": False, "logging_steps": 1, "save_strategy": "no",
    "use_cpu": True,
}  # fmt: skip


def launch(folder, starter, *, processes, lora, pack):
    """Train arith-tiny with `accelerate launch training/sft.py`: 200 rows, 16 rows or 4 packed sequences a step."""
    batch = (4 if pack else 16) // processes
    recipe = {
        "name": "ddp", "dataset": {"rows": 200}, "model": {"base": "training/bases/arith-tiny"}, "pack": pack,
        "lora": {"r": 4, "lora_dropout": 0.0} if lora else None, "sft": SFT | {"per_device_train_batch_size": batch},
    }  # fmt: skip
    path, out = folder / f"{processes}.yaml", folder / f"of-{processes}"
    path.write_text(yaml.safe_dump(recipe))
    config = CONFIGS["single.yaml" if processes == 1 else "ddp_cpu.yaml"]
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
    command += ["--num_processes", str(processes), "--main_process_port", "0", str(ROOT / "training/sft.py")]
    command += ["--recipe", str(path), "--dataset", str(starter[0]), "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lora", "pack"),
    [(True, None), (False, None), (True, 128)],
    ids=["lora", "full", "packed"],
)
def test_two_processes_end_where_one_does(starter, tmp_path, lora, pack):
    """Rows and steps are the same. Only the order of sums differs: relative 1e-4 in losses, 1e-3 in weights."""
    before = hashlib.sha256(BASE.read_bytes()).hexdigest()
    runs = [launch(tmp_path, starter, processes=processes, lora=lora, pack=pack) for processes in (1, 2)]
    records = [json.loads((run / "run.json").read_text()) for run in runs]
    assert [record["hardware"]["processes"] for record in records] == [1, 2]
    one, two = ([entry["loss"] for entry in record["log"] if "loss" in entry] for record in records)
    assert len(one) == SFT["max_steps"] and two == pytest.approx(one, rel=1e-4)
    assert records[0]["trainable_parameters"] == records[1]["trainable_parameters"]
    name = "adapter_model.safetensors" if lora else "model.safetensors"
    left, right = (load_file(run / name) for run in runs)
    assert left.keys() == right.keys()
    for key, weight in left.items():
        assert torch.linalg.norm(right[key] - weight) <= 1e-3 * torch.linalg.norm(weight), key
    if lora:
        assert all(weight.abs().max() > 0 for key, weight in left.items() if "lora_B" in key), "B begins at zero"
        assert not (runs[0] / "model.safetensors").exists()
    else:
        assert any(not torch.equal(weight, left[key]) for key, weight in load_file(BASE).items())
    assert hashlib.sha256(BASE.read_bytes()).hexdigest() == before, "a training does not write to its base"


def read(name):
    """(the configuration that accelerate reads from the file, the arguments of its launcher with that file)."""
    arguments = launch_command_parser().parse_args(["--config_file", str(CONFIGS[name]), "training/sft.py"])
    return load_config_from_file(str(CONFIGS[name])), _validate_launch_command(arguments)[0]


def test_every_file_is_tried_here():
    assert set(CONFIGS) == {"single.yaml", "ddp.yaml", "ddp_cpu.yaml", "fsdp.yaml", "zero3.yaml", "multi_node.yaml"}


@pytest.mark.parametrize("name", CONFIGS)
def test_accelerate_knows_every_key(name):
    config, arguments = read(name)
    assert config.mixed_precision == "no", "another value would silently override the recipe's bf16"
    for section in (config.fsdp_config, config.deepspeed_config):
        assert all(hasattr(arguments, key) for key in section), "accelerate ignores a misspelt key"
    text = CONFIGS[name].read_text()
    assert text.startswith("# ") and (name == "single.yaml" or f"--config_file training/accelerate/{name}" in text)
    for word in text.split():
        if word.startswith("training/recipes/"):
            load_recipe(ROOT / word)


@pytest.mark.parametrize(
    ("name", "kind", "processes", "machines"),
    [
        ("single.yaml", DistributedType.NO, 1, 1),
        ("ddp.yaml", DistributedType.MULTI_GPU, 8, 1),
        ("ddp_cpu.yaml", DistributedType.MULTI_GPU, 2, 1),
        ("multi_node.yaml", DistributedType.MULTI_GPU, 16, 2),
        ("fsdp.yaml", DistributedType.FSDP, 8, 1),
        ("zero3.yaml", DistributedType.DEEPSPEED, 8, 1),
    ],
)
def test_it_starts_what_it_says(name, kind, processes, machines):
    config, arguments = read(name)
    assert config.distributed_type == kind and config.num_processes == processes
    assert (int(arguments.num_processes), int(arguments.num_machines)) == (processes, machines)
    assert arguments.use_fsdp == (kind == DistributedType.FSDP)
    assert arguments.use_deepspeed == (kind == DistributedType.DEEPSPEED)
    assert bool(config.use_cpu) == (name == "ddp_cpu.yaml")


def test_fsdp_shards_everything_and_saves_it_whole(monkeypatch):
    _, arguments = read("fsdp.yaml")
    for key, value in prepare_multi_gpu_env(arguments).items():
        monkeypatch.setenv(key, value)
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward and plugin.cpu_ram_efficient_loading
    assert "FULL_STATE_DICT" in str(plugin.state_dict_type)


def test_zero3_shards_everything_and_saves_it_whole():
    _, arguments = read("zero3.yaml")
    assert arguments.zero_stage == 3 and arguments.zero3_init_flag and arguments.zero3_save_16bit_model
