"""The puzzle and its data: text formats, search traces, generator, solver, shards and loading script; and AugGSM8K.

Nothing here needs torch.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path


def _place_kernels() -> None:
    """Give numba a temporary folder where it can write neither beside its modules nor in the user's cache.

    Without a folder it raises an error. It runs the code that it finds there, so the folder is private to this process.
    """
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if "NUMBA_CACHE_DIR" in os.environ or os.access(Path(__file__).parent, os.W_OK):
        return
    try:
        os.makedirs(caches, exist_ok=True)
        if os.access(caches, os.W_OK):
            return
    except OSError:
        pass
    folder = os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="arith-puzzle-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = folder


_place_kernels()
