"""The local Hub: a server on loopback that speaks the Hugging Face Hub's HTTP API to unmodified clients.

    >>> from arith_puzzle.local_hub import running
    >>> with running("runs/hub") as hub:            # or: arith-puzzle hub --root runs/hub
    ...     HfApi(endpoint=hub.endpoint, token=hub.token).create_repo(f"{hub.namespace}/demo")

Set `HF_ENDPOINT` and `HF_HUB_DISABLE_XET=1` before a client is imported. The local Hub does not serve Xet, the Hub's
second protocol for large files. Repos are named `<namespace>/<name>`. A reader may also use a bare name: it stands for
the oldest repo of that name in any namespace, as on the Hub. README.md in this folder lists what is served and what is
not.
"""

from arith_puzzle.local_hub.faults import Fault, Faults
from arith_puzzle.local_hub.server import Running, running, serve

__all__ = ["Fault", "Faults", "Running", "running", "serve"]
