"""A Hugging Face Hub for rehearsals: the Hub's HTTP API on loopback, for unmodified clients.

    >>> from arith_puzzle.local_hub import running
    >>> with running("runs/hub") as hub:            # or: arith-puzzle hub --root runs/hub
    ...     HfApi(endpoint=hub.endpoint, token=hub.token).create_repo(f"{hub.namespace}/demo")

Clients need `HF_ENDPOINT` and `HF_HUB_DISABLE_XET=1` in their environment before they are imported: Xet, the Hub's
other way for large files, is not served. Repos are `<namespace>/<name>`; when reading, a bare name stands for the
oldest repo of that name in any namespace, as on the Hub. README.md, beside this file, lists what is served and what
is not.
"""

from arith_puzzle.local_hub.faults import Fault, Faults
from arith_puzzle.local_hub.server import Running, running, serve

__all__ = ["Fault", "Faults", "Running", "running", "serve"]
