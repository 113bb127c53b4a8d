"""Muon with AdamW: which parameters each of them updates and how, and a resumed run ends with the same weights."""

import io
import json

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch.optim import Muon
from transformers import TrainingArguments

from arith_puzzle.common.errors import InputError
from arith_puzzle.training.muon import Float32Muon, MuonWithAdamW, muon_class
from arith_puzzle.training.recipe import load_recipe
from arith_puzzle.training.sft import train
from arith_puzzle.training.tiny import build_tokenizer, init_model
from arith_puzzle.training.trainer import StopAtNaN

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture
def made(tmp_path):
    """(model, optimizer), with a learning rate of 0.01 and no weight decay."""
    model = init_model(SHAPE, build_tokenizer(), 0)
    return model, MuonWithAdamW(model, TrainingArguments(str(tmp_path), learning_rate=0.01, use_cpu=True))


def step(model, optimizer, seed):
    ids = torch.randint(3, 21, (64, 32), generator=torch.Generator().manual_seed(seed))
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def test_matrices_turn_and_the_rest_moves_by_the_learning_rate(made):
    model, optimizer = made
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    step(model, optimizer, 1)
    inner = 0
    for name, weight in model.named_parameters():
        change = before[name] - weight.detach()
        if weight.ndim == 2 and "embed" not in name:
            inner += 1
            values = torch.linalg.svdvals(change) / (0.01 * 0.2 * max(weight.shape) ** 0.5)
            most = values[: len(values) // 2]  # the smallest ones of a gradient are nearly zero
            assert most.min() > 0.6 and most.max() < 1.3, f"{name}: the update has the same size in every direction"
        else:
            moved = change[change != 0].abs()
            assert len(moved) and moved.max() < 0.0101, f"{name}: the first step of Adam is at most the learning rate"
    assert inner == 2 * 7 and len(optimizer.param_groups) == 2
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(before)


def test_float32_muon_does_what_torchs_does():
    """Up to bfloat16, in which torch orthogonalizes: three decimal digits."""
    for shape in ((48, 32), (32, 48)):
        gradients = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
        ends = []
        for kind in (Muon, Float32Muon):
            weight = torch.nn.Parameter(torch.ones(shape))
            optimizer = kind([weight], lr=0.1, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
            for gradient in gradients:
                weight.grad = gradient.clone()
                optimizer.step()
            ends.append(weight.detach() - 1)
        assert ends[0].abs().mean() > 0.03 and (ends[0] - ends[1]).norm() < 0.02 * ends[0].norm()


def test_muon_avoids_bfloat16_only_where_the_cpu_is_slow_at_it(monkeypatch):
    for supported, kind in ((True, Muon), (False, Float32Muon)):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda supported=supported: supported)
        assert muon_class(torch.device("cpu")) is kind
        assert muon_class(torch.device("cuda")) is Muon


def test_a_schedule_reaches_both_and_so_does_a_saved_state(made, tmp_path):
    model, optimizer = made
    for seed in range(3):
        step(model, optimizer, seed)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    other = init_model(SHAPE, build_tokenizer(), 5)
    other.load_state_dict(model.state_dict())
    again = MuonWithAdamW(other, TrainingArguments(str(tmp_path), learning_rate=0.5, use_cpu=True))
    again.load_state_dict(torch.load(file, weights_only=True))
    for one in (optimizer, again):
        schedule = torch.optim.lr_scheduler.LambdaLR(one, lambda step: 0.25)
        assert [group["lr"] for part in one.parts for group in part.param_groups] == [0.0025] * 2
        assert schedule.get_last_lr() == [0.0025] * 2
    step(model, optimizer, 9)
    step(other, again, 9)
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    values = {
        "name": "t", "drills": {"rows": 320}, "model": {"shape": SHAPE}, "optimizer": "muon",
        "sft": {"max_steps": 12, "per_device_train_batch_size": 8, "bf16": False, "report_to": "none", "use_cpu": True,
                "activation_checkpointing": False, "dataloader_pin_memory": False, "logging_steps": 1, "save_steps": 4},
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values))
    recipe = load_recipe(tmp_path / "recipe.yaml")
    whole = train(recipe, tmp_path / "whole")
    plain = StopAtNaN.on_log

    def interrupt(self, args, state, control, logs=None, **kwargs):
        if state.global_step == 7:
            raise KeyboardInterrupt
        plain(self, args, state, control, logs, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StopAtNaN, "on_log", interrupt)
        train(recipe, tmp_path / "cut")
    cut = train(recipe, tmp_path / "cut")
    assert json.loads((cut / "run.json").read_text())["resumed_from_step"] == 4
    one, two = (load_file(path / "model.safetensors") for path in (whole, cut))
    assert all(torch.equal(one[name], two[name]) for name in one)
    del values["optimizer"]
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values))
    other = load_file(train(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "adamw") / "model.safetensors")
    assert not torch.equal(one["model.norm.weight"], other["model.norm.weight"])
    values |= {"optimizer": "muon", "sft": values["sft"] | {"optim": "adamw_torch"}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(InputError, match="replaces sft"):
        load_recipe(tmp_path / "recipe.yaml")
