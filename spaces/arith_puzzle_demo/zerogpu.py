"""Support for ZeroGPU. The package ``spaces`` of ZeroGPU patches CUDA, so app.py imports this module before torch."""

from __future__ import annotations

import os

SECONDS, TOKENS_A_SECOND = 15, 20
"""The GPU time that a call reserves: at least SECONDS, and more for a long search. A direct answer takes far less."""

ON = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")
"""Whether this is ZeroGPU; the Hub sets the variable. There the model must be loaded before the page is launched."""


def seconds(name: str, prompt: list[int], room: int, *_) -> int:
    """The GPU time to reserve for a call of model.py's functions, from its limit of new tokens."""
    return max(SECONDS, room // TOKENS_A_SECOND)


try:
    from spaces import GPU

    gpu = GPU(duration=seconds)
except ImportError:

    def gpu(function):
        """Without ZeroGPU the decorator does nothing."""
        return function
