"""An optimizer: Muon for the matrices of a model's layers, AdamW for embeddings, output head and norms.

Muon (torch.optim.Muon; arXiv 2502.16982) makes the update of a matrix orthogonal. Here its updates are scaled to the
size of AdamW's, so that both share the recipe's learning rate, schedule and weight decay.

torch orthogonalizes in bfloat16. On a CPU that cannot multiply bfloat16 matrices fast, that takes several times as long
as the rest of a training step of a small model, so there it is done in float32 (``python -m benchmarks muon``).
"""

from __future__ import annotations

import math

import torch
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


class Float32Muon(Muon):
    """torch's Muon with its orthogonalization in float32."""

    @torch.no_grad()
    def step(self, closure=None):
        """Do one step. Returns the loss of the closure, if there is one."""
        loss = closure() if closure else None
        for group in self.param_groups:
            trained, grads, buffers = [], [], []
            self._init_group(group, trained, grads, buffers)
            for weight, grad, buffer in zip(trained, grads, buffers, strict=True):
                buffer.lerp_(grad, 1 - group["momentum"])
                update = _orthogonal(grad.lerp(buffer, group["momentum"]), group)
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-group["lr"] * 0.2 * math.sqrt(max(weight.shape)))  # match_rms_adamw
        return loss


def _orthogonal(update: torch.Tensor, group: dict) -> torch.Tensor:
    """The Newton-Schulz iteration of torch.optim.Muon, in the type of ``update``."""
    a, b, c = group["ns_coefficients"]
    tall = update.shape[0] > update.shape[1]
    x = update.T if tall else update
    x = x / x.norm().clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def muon_class(device: torch.device) -> type[Muon]:
    """torch's Muon, or ``Float32Muon`` where torch's would be slow."""
    slow = device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return Float32Muon if slow else Muon


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
        muon = muon_class(next(model.parameters()).device)
        self.parts: list[Optimizer] = [muon(inner, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")]
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
