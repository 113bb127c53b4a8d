"""TRL's GRPOTrainer, without the work for samples that teach nothing.

If all samples of a puzzle earn the same reward, their advantages are 0, and so is their gradient. For a model that
solves many puzzles always or never, these are most samples. Where the loss allows it, this trainer leaves them out of
the forward and the backward pass.
"""

from __future__ import annotations

import torch
from trl import GRPOTrainer

from arith_puzzle.training.muon import WithMuon

EXACT = ("dapo", "cispo")
"""Types of loss that divide by the tokens of all samples, so that leaving some out changes nothing but the work."""


class SignalTrainer(WithMuon, GRPOTrainer):
    """GRPOTrainer with the same gradient. In its log, the entropy is that of the samples with an advantage."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """The loss over the samples with an advantage."""
        others = self.beta or self.args.entropy_coef or self.args.use_adaptive_entropy  # they learn from all samples
        if self.loss_type in EXACT and not others:
            inputs = self._with_signal(inputs)
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def _with_signal(self, inputs: dict) -> dict:
        """The rows of the batch with an advantage; of several processes, each keeps as many rows as the others."""
        signal = inputs["advantages"] != 0
        wanted = max(1, int(self.accelerator.gather(signal.sum()).max()))
        rows = torch.argsort(signal, descending=True, stable=True)[:wanted].sort().values
        return {
            key: value[rows] if isinstance(value, torch.Tensor) and value.shape[:1] == signal.shape else value
            for key, value in inputs.items()
        }
