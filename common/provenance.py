"""What run.json and results.json have in common: the source, the machine, hashes of what went in, and whole files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from arith_puzzle.common.files import PACKAGE, file_sha256

INDEX = "model.safetensors.index.json"
KNOWN_BY = ("model.safetensors", INDEX, "adapter_model.safetensors", "manifest.json")
"""The files that identify a folder: the first that it has. Of an index, the weights that it names are hashed too."""


def digest(source: str | Path | None) -> str | None:
    """SHA-256 of what identifies a local model, adapter, dataset or file, hex; None for a Hub id."""
    place = Path(source or "")
    for path in (place, *(place / name for name in KNOWN_BY)):
        if source and path.is_file():
            if path.name == INDEX:
                shards = sorted(set(json.loads(path.read_text())["weight_map"].values()))
                return hashlib.sha256("".join(file_sha256(place / shard) for shard in shards).encode()).hexdigest()
            return file_sha256(path)
    return None


def rows_digest(manifest: Path, config: str, split: str | None = None) -> str:
    """SHA-256 of what a dataset's manifest says of a config, or of one split of it, hex: of the rows, that is.

    So a config that is built beside it changes nothing. Raises OSError or ValueError where there is no such manifest.
    """
    content = json.loads(manifest.read_text(encoding="utf-8"))
    splits = content.get("configs", {}).get(config, {}).get("splits", {})
    said = splits.get(split) if split else splits
    said = said or content  # another dataset's, which says it elsewhere
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def hardware(device: str) -> dict:
    """What a process runs on: device, cores, threads and, on CUDA, the GPU's name."""
    import torch

    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else None
    return {"device": device, "gpu": gpu, "cpu_count": os.cpu_count(), "threads": torch.get_num_threads()}


def commit_of_checkout() -> str | None:
    """The checkout's commit, with ``+`` if tracked files differ from it; None if the package is not in a checkout."""
    root = (PACKAGE / "common").resolve().parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != root:
            return None  # an environment inside somebody else's repository
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
