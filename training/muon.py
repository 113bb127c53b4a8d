"""An optimizer: Muon for the matrices of a model's layers, AdamW for embeddings, output head and norms.

Muon (torch.optim.Muon; arXiv 2502.16982) makes the update of a matrix orthogonal. Here its updates are scaled to the
size of AdamW's, so that both share the recipe's learning rate, schedule and weight decay.
"""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Muon, Optimizer
from transformers import TrainingArguments


class WithMuon:
    """Mixin of trainers.

    Args:
        muon: use ``MuonWithAdamW``. Otherwise ``args.optim`` names the optimizer.
    """

    def __init__(self, *args, muon: bool = False, **kwargs):
        self.muon = muon
        super().__init__(*args, **kwargs)

    def create_optimizer(self, model=None):
        """Create the optimizer of the trainer."""
        if self.muon and self.optimizer is None:
            self.optimizer = MuonWithAdamW(model or self.model, self.args)
        return super().create_optimizer(model)


class MuonWithAdamW(Optimizer):
    """Muon and AdamW as one optimizer, because a trainer, its schedule and its checkpoints expect one."""

    def __init__(self, model: nn.Module, args: TrainingArguments):
        """Optimize the trained parameters of ``model``.

        Args:
            args: learning_rate and weight_decay for both; adam_beta1, adam_beta2 and adam_epsilon for AdamW.
        """
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
        """Use the parts' own parameter groups, so that both see the learning rates of the schedule."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure=None):
        """Do one step of each part. Returns the loss of the closure, if there is one."""
        loss = closure() if closure else None
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self):
        """{"parts": [state_dict of Muon, state_dict of AdamW]}."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict):
        """Restore a state that ``state_dict`` returned."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share()
