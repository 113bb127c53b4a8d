"""Muon for the matrices of a model's layers, AdamW for everything else: embeddings, head, norms.

Muon (torch.optim.Muon; arXiv 2502.16982) takes orthogonal steps. Its updates are scaled as large as AdamW's, so that
both have the one learning rate of the recipe, with its schedule and its weight decay.
"""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Muon, Optimizer
from transformers import TrainingArguments


class MuonWithAdamW(Optimizer):
    """The two optimizers as one, for a trainer, its schedule and its checkpoints."""

    def __init__(self, model: nn.Module, args: TrainingArguments):
        """Of ``model``'s trained parameters; ``args``: learning_rate, weight_decay, adam_beta1, adam_beta2, epsilon."""
        ends = {id(p) for p in nn.ModuleList(m for m in model.modules() if isinstance(m, nn.Embedding)).parameters()}
        head = model.get_output_embeddings()
        ends |= {id(p) for p in head.parameters()} if head is not None else set()
        trained = [p for p in model.parameters() if p.requires_grad]
        inner = [p for p in trained if p.ndim == 2 and id(p) not in ends]
        outer = [p for p in trained if p.ndim != 2 or id(p) in ends]
        rate, decay = args.learning_rate, args.weight_decay
        self.parts: list[Optimizer] = [Muon(inner, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")]
        if outer:
            betas = (args.adam_beta1, args.adam_beta2)
            self.parts.append(AdamW(outer, lr=rate, betas=betas, eps=args.adam_epsilon, weight_decay=decay))
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        """The groups are the parts' own, so that a schedule's rates reach them."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure=None):
        """One step of each part; returns the closure's loss."""
        loss = closure() if closure else None
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self):
        """{"parts": a state_dict of each}."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict):
        """What ``state_dict`` returned."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share()
