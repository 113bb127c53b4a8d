"""Answers of a base, or of an adapter on its base, judged by the project's own metrics.

arith-puzzle score --model training/bases/arith-tiny --adapter runs/x --dataset arith-puzzle \\
    --config starter --split test --out runs/x/score

Without --split, or with --split all: every split of the config but train. --samples 10 --k 1 --k 10 draws samples and
reports pass@k. A model that was not trained on the task is asked with --format natural, --shots 8,
--chain-of-thought or --chat. --task gsm8k scores question-answer rows, from the Hub or a JSONL file; --samples 10
reports maj1@10 there. --task math does so with rows of problem and solution, by math-verify.

Answers are appended to ``generations-<split>.jsonl`` batch by batch, so a killed run goes on where it was and ends
with the same bytes; ``results.json`` comes last.
"""

from __future__ import annotations

import hashlib
import time
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.common.files import file_sha256
from arith_puzzle.common.provenance import digest, hardware, rows_digest
from arith_puzzle.evaluation.options import Options, command_line, resolve_dtype
from arith_puzzle.evaluation.prompting import Prompting, choose_examples
from arith_puzzle.evaluation.run_directory import before, claim, write_results
from arith_puzzle.evaluation.tasks import TASKS, read_rows, split_names

POOL = 10_000
"""Rows of train, the first ones, among which examples are chosen."""


def score(
    model: str | None, adapter: str | None, dataset: str, config: str | None, splits: list[str] | None, out: Path, *,
    name: str | None = None, model_revision: str | None = None, adapter_revision: str | None = None, **options,
) -> dict:  # fmt: skip
    """Answer every row of ``splits`` and return the results, which are also ``out/results.json``.

    Args:
        config: None takes the task's default. splits: None takes every split of the config but train.
        name: how the results call what was scored; default: the adapter or model as given.
        options: of ``arith_puzzle.evaluation.options.Options``.

    Returns:
        {"name", "task", "model", "adapter" and their revisions, "dataset", "config", "limit", "k", "decoding",
        "examples", "sources", "splits", "hardware", "versions", "command"}. "splits" maps each split to what its
        metric returns, with "n", and "new_tokens", "at_token_limit" (the share of answers that were still going on at
        max_new_tokens), "generations_sha256"; "seconds", "answers_per_second" and "tokens_per_second" (new tokens) are
        those of the last process that generated answers.

    Raises:
        InputError: nothing to score, options that contradict each other, a model or split that cannot be loaded, a
            folder of another run or in use, a full disk.
    """
    asked = Options(**options)
    if model is None and adapter is None:
        raise InputError("score needs --model, --adapter, or both")
    if asked.merge and adapter is None:
        raise InputError("--merge needs an --adapter to merge")
    task = TASKS[asked.task](asked.prompt_format)
    config = config or task.config
    splits = _choose_splits(dataset, config, splits)
    device, base, base_revision, dtype = _place(asked, model, model_revision, adapter, adapter_revision)
    identity = {
        "name": name or adapter or model,
        "task": asked.task,
        "model": model,
        "model_revision": base_revision,
        "adapter": adapter,
        "adapter_revision": adapter_revision,
        "dataset": dataset,
        "config": config,
        "limit": asked.limit,
        "decoding": asked.record(backend=asked.backend, dtype=dtype),
        "sources": {"model": digest(base), "adapter": digest(adapter), "dataset": _rows(dataset, config)},
    }
    with claim(out, identity):
        earlier = before(out, identity)
        if set(splits) <= earlier.get("splits", {}).keys() and earlier["k"] == list(asked.k):
            return earlier
        splits += [split for split in earlier.get("splits", {}) if split not in splits]
        examples = []
        if asked.shots:
            examples = choose_examples(_pool(task, dataset, config), asked.shots, seed=asked.seed, group=task.group)
        prompting = Prompting(task, examples, chain_of_thought=asked.chain_of_thought, chat=asked.chat)
        scored, engine = {}, None

        def get_engine():
            nonlocal engine
            from arith_puzzle.evaluation.backends import open_engine

            engine = engine or open_engine(
                asked.backend, base, adapter, revision=base_revision, adapter_revision=adapter_revision, dtype=dtype,
                device=device, merge=asked.merge,
            )  # fmt: skip
            return engine

        for split in splits:
            rows = read_rows(task, dataset, config, split, limit=asked.limit)
            measured = _score_split(task, asked, prompting, rows, split, out, get_engine)
            speed = earlier.get("splits", {}).get(split, {}) if measured["seconds"] is None else {}
            scored[split] = measured | {key: speed[key] for key in SPEED if key in speed}
        results = identity | {
            "k": list(asked.k),
            "examples": [task.record(row) | {"answer": task.solution(row)} for row in examples],
            "splits": scored,
            "hardware": hardware(device),
            "versions": {
                p: version(p) for p in ("torch", "transformers", "peft", *({asked.backend} - {"transformers"}))
            },
        }
        results["command"] = command_line(results, str(out))
        write_results(out, results)
    return results


SPEED = ("seconds", "answers_per_second", "tokens_per_second")


def _score_split(task, asked: Options, prompting: Prompting, rows, split: str, out: Path, get_engine) -> dict:
    """Generate what is missing of one split, and measure all of it."""
    from arith_puzzle.evaluation.generations import Generations

    path, batch = out / f"generations-{split}.jsonl", max(1, asked.batch_size // asked.draws)
    done = Generations(path, [task.record(row) for row in rows], batch=batch, draws=asked.draws)
    had, had_tokens, started = len(done), sum(done.new_tokens), time.monotonic()
    if had < len(rows):
        engine = get_engine()
        started = time.monotonic()
        with tqdm(total=len(rows), initial=had, desc=f"score {split}", unit="row") as bar:
            for first in range(had, len(rows), batch):
                answers = _answer(engine, asked, prompting, rows[first : first + batch], split, first)
                done.append(answers, prompting)
                bar.update(len(done) - first)
    seconds, counts = time.monotonic() - started, done.new_tokens
    new = (len(rows) - had) * asked.draws
    return task.measure(rows, done.answers, asked.k) | {
        "new_tokens": sum(counts),
        "at_token_limit": sum(count >= asked.max_new_tokens for count in counts) / len(counts),
        "generations_sha256": file_sha256(path),
        "seconds": round(seconds, 1) if new else None,
        "answers_per_second": round(new / seconds, 1) if new else None,
        "tokens_per_second": round((sum(counts) - had_tokens) / seconds, 1) if new else None,
    }


def _answer(engine, asked: Options, prompting: Prompting, rows: list[dict], split: str, first: int) -> list:
    """All samples of ``rows``, of which the first is row ``first`` of the split, in batches of at most batch_size."""
    from arith_puzzle.evaluation.inference import Decoding

    decoding = Decoding(asked.max_new_tokens, asked.temperature, asked.top_p or 1.0, prompting.stop)
    encoded = [prompting.encode(engine.tokenizer, row) for row in rows]
    longest = max(map(len, encoded))
    if engine.max_positions and longest + asked.max_new_tokens > engine.max_positions:
        raise InputError(
            f"a prompt of {longest} tokens and --max-new-tokens {asked.max_new_tokens} are more than the model's "
            f"{engine.max_positions} positions; lower --max-new-tokens or --shots, and give another --out"
        )
    encoded = [ids for ids in encoded for _ in range(asked.draws)]
    seeds = [_seed(asked.seed, split, first * asked.draws + place) for place in range(len(encoded))]
    answers = []
    for start in range(0, len(encoded), asked.batch_size):
        part = slice(start, start + asked.batch_size)
        answers += engine.generate(encoded[part], decoding, seeds[part])
    return answers


def _seed(seed: int, split: str, answer: int) -> int:
    """63 bits of a hash of all that names an answer: neighbours have nothing in common, whatever the seed."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{split}/{answer}".encode()).digest()[:8]) >> 1


def summary(results: dict) -> str:
    """A line per split: n, pass@1 with its interval, the lenient view, pass@1 by N."""
    lines = []
    for split, item in results["splits"].items():
        low, high = item["pass@1_ci95"]
        place = f"{results['config']}/{split}" if results["config"] else split
        parts = [f"{results['name']} on {place}: pass@1 {item['pass@1']:.3f} [{low:.3f}, {high:.3f}], n={item['n']}"]
        if item.get("by_n"):
            parts.append(f" ({', '.join(f'N={n} {value:.3f}' for n, value in item['by_n'].items())})")
        others = [key for key in item if key.startswith(("pass@", "maj1@")) and not key.endswith("_ci95")]
        parts += [f", {key} {item[key]:.3f}" for key in others if key != "pass@1"]
        lines.append("".join(parts))
    return "\n".join(lines)


def _rows(dataset: str, config: str) -> str | None:
    """SHA-256 of what is asked, hex; None for a Hub id."""
    manifest = Path(dataset) / "manifest.json"
    try:
        return rows_digest(manifest, config) if manifest.is_file() else digest(dataset)
    except ValueError:
        raise InputError(f"{manifest} is not JSON; build the dataset again") from None


def _choose_splits(dataset: str, config: str | None, wanted: list[str] | None) -> list[str]:
    there = split_names(dataset, config)
    if wanted is None:
        wanted = [split for split in there if split != "train"]
        if not wanted:
            raise InputError(f"{config or 'the dataset'} of {dataset!r} has no split but train; give --split train")
    for split in wanted:
        if split not in there:
            raise InputError(
                f"{config or 'the dataset'} of {dataset!r} has no split {split!r}; it has {', '.join(there)}"
            )
    return list(dict.fromkeys(wanted))


def _pool(task, dataset: str, config: str | None) -> list[dict]:
    if "train" not in split_names(dataset, config):
        raise InputError(f"--shots draws examples from train, and {config or dataset} has none; leave it out")
    return read_rows(task, dataset, config, "train", limit=POOL)


def _place(
    asked: Options, model: str | None, revision: str | None, adapter: str | None, adapter_revision: str | None
) -> tuple[str, str, str | None, str]:
    """(device, base, its revision, dtype)."""
    import torch

    from arith_puzzle.evaluation.inference import adapter_config

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if adapter:
            config = adapter_config(adapter, adapter_revision)
            model = model or config["base_model_name_or_path"]
            if model == config["base_model_name_or_path"]:
                revision = revision or config.get("revision")
        return device, model, revision, resolve_dtype(asked.dtype, model, revision, device)
    except InputError:
        raise
    except (OSError, ValueError, KeyError) as error:
        what = f"the adapter {adapter!r} on {model!r}" if adapter and model else repr(adapter or model)
        raise InputError(f"cannot load {what}: {first_line(error)}") from None
