"""Provenance of a run: hashes of its model and dataset, its hardware and commit, and checks of names and bases."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.common.files import PACKAGE, file_sha256, read_json

INDEX = "model.safetensors.index.json"
KNOWN_BY = ("model.safetensors", INDEX, "adapter_model.safetensors", "manifest.json")
"""The first of these files that a folder has identifies it. An index stands for the weights files that it names."""
MODEL_FILES = ("*.safetensors", "*.index.json", "*config.json", "*token*", "vocab.*", "merges.txt", "chat_template*")
"""Patterns of the files that a model, an adapter or a tokenizer is loaded from."""


def digest(source: str | Path | None) -> str | None:
    """SHA-256 of a file, or of the file that identifies a local model, adapter or dataset; hex. None for a Hub id."""
    place = Path(source or "")
    for path in (place, *(place / name for name in KNOWN_BY)):
        if source and path.is_file():
            if path.name == INDEX:
                with reported(f"cannot read the weights that {path} names"):
                    shards = sorted(set(json.loads(path.read_text())["weight_map"].values()))
                    return hashlib.sha256("".join(file_sha256(place / shard) for shard in shards).encode()).hexdigest()
            return file_sha256(path)
    return None


def model_content(source: str, revision: str | None = None) -> str:
    """What identifies the content of a model or an adapter.

    Returns:
        For a folder, a SHA-256 of the names and hashes of its MODEL_FILES, hex. For a Hub id, "id@commit"; without a
        network the commit is that of the local cache.

    Raises:
        OSError, ValueError: there is no such folder, and no such Hub repo or no network.
    """
    if Path(source).is_dir():
        found = {path for pattern in MODEL_FILES for path in Path(source).glob(pattern) if path.is_file()}
        return _hash({path.name: file_sha256(path) for path in found})
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        cached = hf_hub_download(source, "config.json", revision=revision)
    except EntryNotFoundError:
        cached = hf_hub_download(source, "adapter_config.json", revision=revision)
    return f"{source}@{Path(cached).parent.name}"  # the cache has a folder for each commit


def check_name(name: str, what: str, remedy: str = "correct it") -> None:
    """Check the name of a model or a dataset before the Hub is asked, which takes half a minute without a network.

    A name is a file, a folder or a Hub id. ``runs/mine`` could be both. Where ``runs`` is a folder here, it is a path,
    unless the Hub's cache has it.

    Raises:
        InputError: the name is empty, or a path at which nothing is.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if not name:
        raise InputError(f"the {what} has an empty name; give a folder or a Hub id")
    if Path(name).exists():
        return
    try:
        validate_repo_id(name)
    except HFValidationError:
        raise InputError(f"the {what} {name!r} is neither a folder nor the id of a Hub repo; {remedy}") from None
    above, slash, _ = name.partition("/")
    cached = any(Path(constants.HF_HUB_CACHE).glob(f"*s--{name.replace('/', '--')}"))
    if slash and Path(above).is_dir() and not cached:
        raise InputError(f"the {what} {name!r} is not in the folder {above!r}; {remedy}. If it is on the Hub, run this "
                         "in another folder")  # fmt: skip


def run_record(folder: str | Path) -> dict:
    """The run.json in the folder of a run; {} if there is none. A "recipe" and a "content" in it are objects.

    Raises:
        InputError: it is damaged.
    """
    path = Path(folder) / "run.json"
    record = read_json(path) if path.is_file() else {}
    if not all(isinstance(record.get(key, {}), dict) for key in ("recipe", "content")):
        raise InputError(f"{path} is damaged: its recipe and content are no objects; train again, or delete it")
    return record


def check_base(adapter: str, base_content: str | None) -> None:
    """Check that the base of an adapter in a folder is still what the adapter was trained on, as its run.json says.

    A folder and a Hub repo cannot be compared. So the published copy of a base passes.

    Args:
        adapter: folder or Hub id. Of a Hub id nothing is checked: its base is pinned by a revision.
        base_content: ``model_content`` of the base that the adapter names.

    Raises:
        InputError: the base has other content now.
    """
    trained_on = run_record(adapter).get("content", {}).get("base")
    if not isinstance(trained_on, str) or base_content is None or ("@" in trained_on) != ("@" in base_content):
        return
    if trained_on != base_content:
        raise InputError(f"the base of the adapter {adapter!r} has changed since its training: it was {trained_on} and "
                         f"is {base_content}; train again, or name the base by --model to use it anyway")  # fmt: skip


def dataset_content(source: str, config: str | None, split: str | None = None) -> str:
    """SHA-256 of a JSONL file, or of the data files of a dataset's config or split, hex.

    A file on the Hub counts by its address, which holds the commit.

    Raises:
        OSError, ValueError: the dataset cannot be read, or has no such config or split.
    """
    if Path(source).is_file():
        return file_sha256(Path(source))
    if Path(source).is_dir():
        check_no_pattern(source)
    from datasets import load_dataset_builder

    files = {
        str(name): list(map(str, found))
        for name, found in load_dataset_builder(source, config).config.data_files.items()
    }
    if split is not None and split not in files:
        raise ValueError(f"there is no split {split!r}")
    chosen = {name: found for name, found in files.items() if split in (None, name)}
    return _hash({name: [_file(each) for each in found] for name, found in chosen.items()})


def check_no_pattern(folder: str | Path) -> None:
    """Raise InputError if the path of a folder has a character by which ``datasets`` matches several files."""
    found = set("*?[]") & set(str(Path(folder).absolute()))
    if found:
        raise InputError(f"{folder}: datasets reads {min(found)!r} in a path as a pattern; choose another folder")


def _file(path: str) -> str:
    return file_sha256(Path(path)) if Path(path).is_file() else path


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def rows_digest(manifest: Path, config: str, split: str | None = None) -> str:
    """SHA-256 of the part of a dataset's manifest that describes a config, or one of its splits, hex.

    That part holds the hashes of the rows. Other configs in the same folder do not change it.

    Raises:
        OSError, ValueError: the manifest cannot be read.
    """
    content = read_json(manifest)
    splits = content.get("configs", {}).get(config, {}).get("splits", {})
    part = (splits.get(split) if split else splits) or content  # other datasets have manifests of another form
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()


def hardware(device: str) -> dict:
    """The hardware of this process: {"device", "gpu": name of the CUDA GPU or None, "cpu_count", "threads"}.

    Args:
        device: as torch writes it: "cuda:1", "cpu", or "cpu:0" in a run of several processes, which counts as "cpu".
    """
    import torch

    device = device.removesuffix(":0") if device.startswith("cpu") else device
    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else None
    return {"device": device, "gpu": gpu, "cpu_count": os.cpu_count(), "threads": torch.get_num_threads()}


def commit_of_checkout() -> str | None:
    """The commit of the checkout, with ``+`` if tracked files have changes; None outside a checkout."""
    root = (PACKAGE / "common").resolve().parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != root:
            return None  # the package is installed inside another repository
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
