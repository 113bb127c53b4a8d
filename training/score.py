"""Greedy, zero-shot scores of a base, or of an adapter on its base, by the project's own metric.

arith-puzzle score --model training/bases/arith-tiny --adapter runs/x --dataset arith-puzzle \
    --config starter --split test --out runs/x/score

Answers are appended to ``generations-<split>.jsonl`` batch by batch, so a killed run goes on where it was;
``results.json`` comes last.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from dataset_builder.errors import InputError
from dataset_builder.puzzle import natural_prompt, symbolic_prompt
from training.recipe import ROOT

FORMATS = {"symbolic": symbolic_prompt, "natural": natural_prompt}


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="arith-puzzle score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="folder or Hub id of the base; default: what the adapter names")
    parser.add_argument("--adapter", help="folder or Hub id of a PEFT adapter")
    parser.add_argument("--dataset", default="arith-puzzle", help="folder or Hub id of the dataset")
    parser.add_argument("--config", default="starter")
    parser.add_argument("--split", action="append", help="may be repeated; default: test")
    parser.add_argument("--format", choices=FORMATS, default="symbolic", help="of the prompt")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--out", required=True, help="folder for results.json and the generations")
    args = parser.parse_args(argv)
    try:
        results = score(
            args.model, args.adapter, args.dataset, args.config, args.split or ["test"], Path(args.out),
            prompt_format=args.format, batch_size=args.batch_size, max_new_tokens=args.max_new_tokens,
        )  # fmt: skip
    except InputError as error:
        print(f"arith-puzzle score: {error}", file=sys.stderr)
        return 2
    print(summary(results))
    return 0


def score(
    model: str | None, adapter: str | None, dataset: str, config: str, splits: list[str], out: Path, *,
    prompt_format: str = "symbolic", batch_size: int = 256, max_new_tokens: int = 64, name: str | None = None,
) -> dict:  # fmt: skip
    """Answer every row of ``splits`` and return the results, which are also ``out/results.json``.

    Args:
        name: how the results call what was scored; default: the adapter or model as given.

    Returns:
        {"name", "model", "adapter", "dataset", "config", "decoding", "splits": {split: {"n", "pass@1",
        "pass@1_ci95", "reasons", "by_n", "seconds", "answers_per_second", "generations_sha256"}}, "versions"}.

    Raises:
        InputError: nothing to score, a model or split that cannot be loaded, or a folder of another run.
    """
    if model is None and adapter is None:
        raise InputError("score needs --model, --adapter, or both")
    if batch_size < 1 or max_new_tokens < 1:
        raise InputError("--batch-size and --max-new-tokens must be at least 1")
    identity = {
        "name": name or adapter or model,
        "model": model,
        "adapter": adapter,
        "dataset": dataset,
        "config": config,
        "decoding": {"format": prompt_format, "strategy": "greedy", "max_new_tokens": max_new_tokens,
                     "batch_size": batch_size, "shots": 0, "division": "exact"},
        "sources": {"model": _digest(model), "adapter": _digest(adapter), "dataset": _digest(dataset)},
    }  # fmt: skip
    done = out / "results.json"
    if done.is_file():
        before = json.loads(done.read_text())
        if _fingerprint(before) == _fingerprint(identity) and set(splits) <= set(before["splits"]):
            return before
    _claim(out, identity)
    scored, loaded = {}, None
    for split in splits:
        rows = _rows(dataset, config, split)
        path = out / f"generations-{split}.jsonl"
        have = _read_generations(path, rows)
        started, new = time.time(), len(rows) - len(have)
        if new:
            loaded = loaded or _load(model, adapter)
            prompts = [FORMATS[prompt_format](row["numbers"], row["target"]) for row in rows[len(have) :]]
            _generate(loaded, prompts, rows, have, path, split, batch_size, max_new_tokens)
        seconds = time.time() - started
        scored[split] = _measure(rows, have) | {
            "generations_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "seconds": round(seconds, 1) if new else None,
            "answers_per_second": round(new / seconds, 1) if new else None,
        }
    results = identity | {"splits": scored, "versions": {p: version(p) for p in ("torch", "transformers", "peft")}}
    partial = done.with_suffix(".tmp")
    partial.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    partial.rename(done)
    return results


def summary(results: dict) -> str:
    """A line per split: n, pass@1 with its interval, pass@1 by N."""
    lines = []
    for split, item in results["splits"].items():
        low, high = item["pass@1_ci95"]
        by_n = ", ".join(f"N={n} {value:.3f}" for n, value in item["by_n"].items())
        lines.append(
            f"{results['name']} on {results['config']}/{split}: pass@1 {item['pass@1']:.3f} "
            f"[{low:.3f}, {high:.3f}], n={item['n']} ({by_n})"
        )
    return "\n".join(lines)


def _measure(rows: list[dict], answers: list[str]) -> dict:
    import evaluate

    metric = evaluate.load(str(ROOT / "metrics" / "arith_puzzle_verifier"))
    references = [{"numbers": row["numbers"], "target": row["target"]} for row in rows]
    measured = metric.compute(predictions=answers, references=references)
    return {"n": measured.pop("num_puzzles"), **measured}


def _generate(loaded, prompts, rows, have, path, split, batch_size, max_new_tokens) -> None:
    """Append answers to ``have`` and, batch by batch, to the file."""
    from training.inference import answer_batches

    bar = tqdm(total=len(rows), initial=len(have), desc=f"score {split}", unit="answer")
    with bar, path.open("a", encoding="utf-8") as file:
        for answers in answer_batches(*loaded, prompts, batch_size=batch_size, max_new_tokens=max_new_tokens):
            for answer in answers:
                row = rows[len(have)]
                record = {"numbers": row["numbers"], "target": row["target"], "response": answer}
                file.write(json.dumps(record) + "\n")
                have.append(answer)
            file.flush()
            bar.update(len(answers))


def _read_generations(path: Path, rows: list[dict]) -> list[str]:
    """The answers that an earlier run left; the file is cut after its last whole line."""
    if not path.is_file():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    records = [json.loads(line) for line in whole.splitlines()]
    for record, row in zip(records, rows, strict=False):
        if (record["numbers"], record["target"]) != (row["numbers"], row["target"]):
            raise InputError(f"{path} holds answers to other puzzles; give another --out, or delete it")
    os.truncate(path, len(whole))
    return [record["response"] for record in records]


def _claim(out: Path, identity: dict) -> None:
    """Refuse a folder that holds another run's answers."""
    marker = out / "score.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if marker.is_file() and _fingerprint(json.loads(marker.read_text())) != _fingerprint(identity):
            raise InputError(f"{out} holds the scores of another run; give another --out, or delete it")
        marker.write_text(json.dumps(identity, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; give another --out") from None


def _fingerprint(identity: dict) -> dict:
    """What makes two runs the same: where a folder lies does not matter, what is in it does."""
    kept = {key: identity[key] for key in ("name", "config", "decoding", "sources")}
    return kept | {key: identity[key] for key, digest in identity["sources"].items() if digest is None}


def _rows(dataset: str, config: str, split: str) -> list[dict]:
    from datasets import load_dataset

    try:
        return load_dataset(dataset, config, split=split).select_columns(["numbers", "target"]).to_list()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load {config}/{split} of {dataset!r}: {str(error).splitlines()[0]}") from None


def _load(model: str | None, adapter: str | None):
    import torch

    from training.inference import load

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return load(model, adapter=adapter, device=device)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load {adapter or model!r}: {str(error).splitlines()[0]}") from None


def _digest(source: str | None) -> str | None:
    """SHA-256 of what identifies a local model, adapter or dataset; None for a Hub id."""
    for file in ("model.safetensors", "adapter_model.safetensors", "manifest.json"):
        path = Path(source) / file if source else None
        if path is not None and path.is_file():
            return hashlib.sha256(path.read_bytes()).hexdigest()
    return None


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
