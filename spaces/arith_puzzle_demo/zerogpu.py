"""ZeroGPU: its package ``spaces`` patches CUDA, so app.py imports this module before anything that may import torch."""

from __future__ import annotations

import os

SECONDS, TOKENS_A_SECOND = 15, 20
"""What a call asks of ZeroGPU's quota: a direct answer takes far less than SECONDS, a long search may take more."""

ON = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")
"""Set by the Hub. There the model must be on the GPU before the page is launched, else it loads in the background."""


def seconds(prompt: str, room: int, *_) -> int:
    """For a call of model.py's functions, by how many new tokens it may take."""
    return max(SECONDS, room // TOKENS_A_SECOND)


try:
    from spaces import GPU

    gpu = GPU(duration=seconds)
except ImportError:

    def gpu(function):
        """Elsewhere: nothing to do."""
        return function
