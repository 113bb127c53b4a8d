"""Packing: each row appears once and attends only to itself; loss and gradients equal TRL's."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

from arith_puzzle.common.errors import InputError
from arith_puzzle.training.data.encoding import UNFINISHED, encode
from arith_puzzle.training.data.packing import IGNORED, Sequences, collator, pack
from arith_puzzle.training.tiny import build_tokenizer
from arith_puzzle.training.trainer import CompletionTrainer
from tests.paths import ROOT

BASE = ROOT / "training" / "bases" / "arith-tiny"
TEXTS = [
    ("3,6,17:8\n", "17-6=11\n11-3=8"), ("1,2,3:6\n", "2+1=3\n3+3=6"), ("5,9,20,44:30\n", "44-9=35\n35-5=30\n30*1=30"),
    ("2,4:8\n", "4*2=8"), ("7,8,9:24\n", "8+7=15\n15+9=24"), ("10,20,30:60\n", "20+10=30\n30+30=60"),
]  # fmt: skip


class Rows:
    """A token cache in memory."""

    def __init__(self, texts):
        wholes, prompts = encode(*map(list, zip(*texts, strict=True)), build_tokenizer(), UNFINISHED)
        self.rows = [(np.array(ids), prompt) for ids, prompt in zip(wholes, prompts, strict=True)]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, row):
        return self.rows[row]

    def lengths(self):
        return np.array([len(ids) for ids, _ in self.rows], np.uint16)

    def prompt_lengths(self):
        return np.array([prompt for _, prompt in self.rows], np.uint16)


def batch_of(model, capacity, packed=True):
    data = Sequences(Rows(TEXTS), capacity).dataset()
    return collator(build_tokenizer(), model, packed=packed)(list(data))


@given(st.lists(st.integers(1, 60), max_size=300), st.integers(60, 200))
@settings(max_examples=60, deadline=None)
def test_every_row_is_packed_once_and_none_over_the_capacity(lengths, capacity):
    rows, starts = pack(np.array(lengths, np.uint16), capacity)
    assert sorted(rows.tolist()) == list(range(len(lengths))) and starts[-1] == len(lengths)
    sums = [sum(lengths[r] for r in rows[a:b]) for a, b in itertools.pairwise(starts)]
    assert all(0 < total <= capacity for total in sums)
    assert not any(sum(pair) <= capacity for pair in itertools.pairwise(sums)), (
        "two neighbours that fit one sequence would share it"
    )


def test_a_window_holds_little_padding_and_the_order_is_kept_to_windows():
    lengths = np.random.default_rng(0).integers(20, 46, 20_000).astype(np.uint16)
    rows, starts = pack(lengths, 256)
    assert lengths.sum(dtype=int) / ((len(starts) - 1) * 256) > 0.97
    assert np.array_equal(rows // 4096, np.sort(rows // 4096))


def test_a_row_over_the_capacity_is_refused():
    with pytest.raises(InputError, match="pack: 16 is too short for a row of"):
        Sequences(Rows(TEXTS), 16)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_packed_row_sees_only_itself(attention):
    model = AutoModelForCausalLM.from_pretrained(BASE, attn_implementation=attention).eval()
    batch = batch_of(model, 64)
    assert batch["input_ids"].shape[0] < len(TEXTS), "several rows share a sequence"
    with torch.inference_mode():
        packed = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"]).logits
        crossing = model(input_ids=batch["input_ids"]).logits
        checked = 0
        for sequence, ids in enumerate(batch["input_ids"]):
            begins = [i for i, p in enumerate(batch["position_ids"][sequence].tolist()) if p == 0]
            for start, stop in zip(begins, [*begins[1:], len(ids)], strict=True):
                alone = model(input_ids=ids[None, start:stop]).logits[0]
                assert torch.allclose(packed[sequence, start:stop], alone, atol=2e-4)
                if start and stop - start > 1:
                    assert not torch.allclose(crossing[sequence, start:stop], alone, atol=1e-2), "the check can fail"
                    checked += 1
    assert checked >= 3


def test_labels_are_completions_and_eos_of_each_row():
    model = AutoModelForCausalLM.from_pretrained(BASE)
    tokenizer, batch = build_tokenizer(), batch_of(model, 64)
    learned = "".join(tokenizer.decode(ids) for ids in batch["labels"][batch["labels"] != IGNORED].tolist())
    assert sorted(learned.split(tokenizer.eos_token)[:-1]) == sorted(completion for _, completion in TEXTS)


def loss_and_gradients(trainer_class, folder, capacity, **asked):
    model = AutoModelForCausalLM.from_pretrained(BASE)
    data = Sequences(Rows(TEXTS), capacity).dataset()
    arguments = SFTConfig(
        output_dir=str(folder), bf16=False, use_cpu=True, report_to="none", remove_unused_columns=False,
        activation_checkpointing=False, dataset_kwargs={"skip_prepare_dataset": True}, **asked,
    )  # fmt: skip
    make = collator(build_tokenizer(), model, packed=capacity is not None)
    trainer = trainer_class(model=model, args=arguments, train_dataset=data, data_collator=make,
                            processing_class=build_tokenizer())  # fmt: skip
    trainer.model.train()
    batch = make(list(data))
    loss = trainer.compute_loss(trainer.model, batch, num_items_in_batch=(batch["labels"] != IGNORED).sum())
    loss.backward()
    return loss.item(), {name: p.grad for name, p in trainer.model.named_parameters()}


@pytest.mark.parametrize("asked", [{"loss_type": "dft"}, {"label_smoothing_factor": 0.1}])
def test_another_loss_that_a_recipe_asks_for_is_trls(tmp_path, asked):
    plain, _ = loss_and_gradients(CompletionTrainer, tmp_path, None)
    one, _ = loss_and_gradients(CompletionTrainer, tmp_path, None, **asked)
    two, _ = loss_and_gradients(SFTTrainer, tmp_path, None, **asked)
    assert one == pytest.approx(two, rel=1e-6) and one != pytest.approx(plain, rel=1e-3)


def test_loss_and_gradients_are_trls_packed_or_not(tmp_path):
    reference, gradients = loss_and_gradients(SFTTrainer, tmp_path, None)
    for trainer_class, capacity in ((CompletionTrainer, None), (CompletionTrainer, 64), (SFTTrainer, 64)):
        loss, found = loss_and_gradients(trainer_class, tmp_path, capacity)
        assert loss == pytest.approx(reference, rel=1e-5)
        for name, gradient in gradients.items():
            assert torch.allclose(found[name], gradient, atol=1e-5, rtol=1e-3), name
