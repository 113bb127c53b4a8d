"""The trainer: TRL's SFTTrainer, with a faster loss on a CPU, and with Muon as an optional optimizer.

Only completions have a loss, so only their logits are needed. On a GPU, TRL's fused head computes just these. On a CPU,
TRL computes the logits of all positions, including prompts and padding, and computes them again in the backward pass.
This trainer computes only the needed ones there too.
"""

from __future__ import annotations

import math

from torch.nn import functional
from transformers import TrainerCallback
from trl import SFTTrainer

from arith_puzzle.common.errors import InputError
from arith_puzzle.training.data.packing import IGNORED
from arith_puzzle.training.muon import WithMuon


class CompletionTrainer(WithMuon, SFTTrainer):
    """SFTTrainer with the same loss. On a CPU it computes only the needed logits, and logs no entropy or accuracy."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """The negative log-likelihood of the completions, divided by the number of their tokens in the global batch."""
        other_loss = self.args.loss_type != "nll" or self.label_smoother is not None or self.aux_loss_enabled
        if self.accelerator.device.type != "cpu" or return_outputs or other_loss:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = functional.pad(inputs.pop("labels"), (0, 1), value=IGNORED)[:, 1:]  # labels of the next token
        wanted = labels != IGNORED
        head = self.accelerator.unwrap_model(model).get_output_embeddings()
        hook = head.register_forward_pre_hook(lambda _, args: (args[0][wanted], *args[1:]))
        try:
            logits = model(**inputs, use_cache=False).logits
        finally:
            hook.remove()
        loss = functional.cross_entropy(logits.float(), labels[wanted], reduction="sum")
        loss = loss / (wanted.sum() if num_items_in_batch is None else num_items_in_batch)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # DDP averages gradients, and the count covers all processes
        return loss


class StopAtNaN(TrainerCallback):
    """Ends a run at the first line of its log with a loss that is NaN or infinite."""

    def __init__(self, name: str):
        self.name = name

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Raises InputError if the loss is not finite."""
        logs = logs or {}
        loss = logs.get("loss", logs.get("train_loss", 0.0))  # the last line has the mean of all steps
        if not math.isfinite(loss):
            raise InputError(f"{self.name}: the loss became {loss} by step {state.global_step}; lower "
                             f"sft.learning_rate (now {args.learning_rate}), or set sft.max_grad_norm")  # fmt: skip
