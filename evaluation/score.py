"""Score a model: generate answers to the rows of evaluation splits, and judge them with the task's metric.

The model is a base, or an adapter on its base. ``arith-puzzle score`` is the command. Answers go to
``generations-<split>.jsonl``, batch by batch. A run that was killed resumes from there and ends with the same bytes.
``results.json`` is written last.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.common.files import file_sha256, shipped_model
from arith_puzzle.common.provenance import (
    check_base,
    check_name,
    dataset_content,
    digest,
    hardware,
    model_content,
    rows_digest,
    run_record,
)
from arith_puzzle.dataset_builder.configs import how_to_get
from arith_puzzle.evaluation.gold import measure_gold
from arith_puzzle.evaluation.options import Options, command_line
from arith_puzzle.evaluation.prompting import Prompting, choose_examples
from arith_puzzle.evaluation.results import finished_results, lock_run_directory, write_results
from arith_puzzle.evaluation.tasks import TASKS, Task, read_rows, split_names
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import mean, pass_at_k, wilson_interval

if TYPE_CHECKING:
    from arith_puzzle.evaluation.backends import Backend
    from arith_puzzle.evaluation.decoding import Answer

EXAMPLE_ROWS = 10_000
"""Examples are chosen among this number of rows of train, from its start."""
SPEED = ("seconds", "answers_per_second", "tokens_per_second")
"""The keys of a split's results that depend on the machine."""


def score(
    model: str | None, adapter: str | None, dataset: str, config: str | None, splits: list[str] | None, out: Path, *,
    name: str | None = None, model_revision: str | None = None, adapter_revision: str | None = None, **options,
) -> dict:  # fmt: skip
    """Answer every row of ``splits``, judge the answers, and return the results, which are also ``out/results.json``.

    Args:
        model, adapter: folder or Hub id of a base and of a PEFT adapter; at least one of them.
        dataset: folder or Hub id of a dataset, or a JSONL file.
        config: None takes the task's default. A JSONL file has none.
        splits: None takes every split of the config except train.
        name: the name of the scored model in the results; default: the adapter or model as given.
        options: the fields of ``arith_puzzle.evaluation.options.Options``.

    Returns:
        {"name", "task", "model", "adapter" and their revisions, "dataset", "config", "limit", "k", "decoding",
        "examples", "sources", "splits", "hardware", "versions", "command"}. "splits" maps each split to the metric's
        scores and to "n" (the number of rows), "new_tokens", "at_token_limit" (the share of answers that reached
        max_new_tokens), "generations_sha256", "seconds", "answers_per_second" and "tokens_per_second" (generated
        tokens). The last three describe the last process that generated answers. With ``gold`` there is also "gold",
        see ``measure_gold``.

    Raises:
        InputError: no model to score, options that contradict each other, a model or split that cannot be loaded, a
            folder that belongs to another run or is in use, or a full disk.
    """
    given = Options(**options)
    if given.merge and adapter is None:
        raise InputError("--merge needs an --adapter to merge")
    if given.endpoint and (adapter or model_revision):
        raise InputError("an endpoint serves the model that --model names; leave out --adapter and --model-revision")
    for source, what in ((shipped_model(model), "model"), (adapter, "adapter")):
        if source is not None and not given.endpoint:
            check_name(source, what)
    check_name(dataset, "dataset", how_to_get(config or TASKS[given.task].config, dataset))
    device = base = base_revision = dtype = None
    if not given.endpoint:
        device, base, base_revision, dtype = resolve_model(given, model, model_revision, adapter, adapter_revision)
    task = given.make_task()
    config = None if Path(dataset).is_file() else config or task.config
    splits = _choose_splits(dataset, config, splits)
    content = _contents(base, base_revision, adapter, adapter_revision, dataset, config)
    if given.endpoint:
        content["model"] = model  # the name is all that a server tells
    if adapter and model is None:
        check_base(adapter, content["model"])
    if adapter and not given.chat and trained_by_chat(adapter):
        print("note: this adapter was trained by a chat template, and without --chat it is asked in another form; "
              "give --format natural --chat, and --system as in its recipe", file=sys.stderr)  # fmt: skip
    rules = task.rules(read_rows(task, dataset, config, splits[0], limit=1))
    identity = {
        "name": name or adapter or model,
        "task": given.task,
        "model": model,
        "model_revision": base_revision,
        "adapter": adapter,
        "adapter_revision": adapter_revision,
        "dataset": dataset,
        "config": config,
        "limit": given.limit,
        "decoding": given.record(backend=given.backend, dtype=dtype, rules=rules),
        "sources": {
            "model": base and digest(base),
            "adapter": digest(adapter),
            "dataset": _dataset_digest(dataset, config),
        },
        "content": content,
        **({"endpoint": given.endpoint.public} if given.endpoint else {}),
    }
    with lock_run_directory(out, identity), ExitStack() as opened:
        earlier = finished_results(out, identity)
        if set(splits) <= earlier.get("splits", {}).keys() and earlier["k"] == list(given.k):
            _check_answers(earlier, out)
            if given.endpoint and any(given.price):
                _add_usage(earlier, given, out)
                write_results(out, earlier)
            return earlier
        splits += [split for split in earlier.get("splits", {}) if split not in splits]
        examples: list[dict] = []
        if given.shots:
            rows = _example_rows(task, dataset, config)
            examples = choose_examples(rows, given.shots, seed=given.seed, group=task.group)
        prompting = Prompting(task, examples, chain_of_thought=bool(given.chain_of_thought), chat=given.chat)
        scored: dict[str, dict] = {}
        backend: Backend | None = None

        def get_backend() -> Backend:
            """Load the model when the first answer is needed: a finished file of answers needs none."""
            nonlocal backend
            if backend is None and given.endpoint:
                backend = _open_endpoint(given, out, opened)
            elif backend is None:
                backend = _open(given, base, adapter, base_revision, adapter_revision, dtype, device)
            return backend

        for split in splits:
            rows = read_rows(task, dataset, config, split, limit=given.limit)
            measured = _score_split(given, prompting, rows, split, out, get_backend)
            speed = earlier.get("splits", {}).get(split, {}) if measured["seconds"] is None else {}
            scored[split] = measured | {key: speed[key] for key in SPEED if key in speed}
            if given.gold:
                from arith_puzzle.evaluation.backends import TransformersBackend

                loaded = get_backend()
                assert isinstance(loaded, TransformersBackend), "Options refuses --gold with another one"
                scored[split]["gold"] = measure_gold(loaded, prompting, rows, out, split, batch=given.batch_size)
        libraries = ["torch", "transformers", "peft", *({given.backend} - {"transformers"})]
        libraries = ["huggingface_hub"] if given.endpoint else libraries
        results = identity | {
            "k": list(given.k),
            "examples": [task.record(row) | {"answer": task.solution(row)} for row in examples],
            "splits": scored,
            "hardware": hardware(device) if device else {},
            "versions": {library: version(library) for library in libraries},
        }
        if given.endpoint:
            _add_usage(results, given, out)
        results["command"] = command_line(results, str(out))
        write_results(out, results)
    return results


def _open_endpoint(given: Options, out: Path, opened: ExitStack) -> Backend:
    from arith_puzzle.common.endpoint import Limits
    from arith_puzzle.common.reply_store import Store
    from arith_puzzle.evaluation.endpoint import CALLS, EndpointBackend

    assert given.endpoint is not None
    return EndpointBackend(given.endpoint, given.limits or Limits(), opened.enter_context(Store(out / CALLS)))


def _open(
    given: Options, base: str | None, adapter: str | None, revision: str | None, adapter_revision: str | None,
    dtype: str | None, device: str | None,
) -> Backend:  # fmt: skip
    from arith_puzzle.evaluation.backends import open_backend

    assert base is not None and dtype is not None and device is not None
    backend = open_backend(
        given.backend, base, adapter, revision=revision, adapter_revision=adapter_revision, dtype=dtype,
        device=device, merge=given.merge,
    )  # fmt: skip
    if given.chat:
        given.chat.probe(backend.tokenizer)
    return backend


def _check_answers(results: dict, out: Path) -> None:
    """Raise InputError if a file of answers is not the one that the results were computed from."""
    for split, item in results["splits"].items():
        wanted = {f"generations-{split}.jsonl": item["generations_sha256"]}
        if "gold" in item:
            files = [what for what in ("steps", "likelihoods") if f"{what}_sha256" in item["gold"]]
            wanted |= {f"{what}-{split}.jsonl": item["gold"][f"{what}_sha256"] for what in files}
        for name, sha256 in wanted.items():
            if not (out / name).is_file() or file_sha256(out / name) != sha256:
                raise InputError(
                    f"{out / name} is not what results.json was computed from; delete results.json to judge it again"
                )


def _add_usage(results: dict, given: Options, out: Path) -> None:
    from arith_puzzle.evaluation.endpoint import usage

    results["usage"] = usage(out, given.price)


def _score_split(
    options: Options, prompting: Prompting, rows: list[dict], split: str, out: Path, get_backend: Callable[[], Backend]
) -> dict:
    """Generate the missing answers of a split, then measure all its answers."""
    from arith_puzzle.evaluation.generations import Generations

    task, decoding = prompting.task, options.decoding(prompting.stop)
    path, batch = out / f"generations-{split}.jsonl", max(1, options.batch_size // options.draws)
    done = Generations(path, [task.record(row) for row in rows], batch=batch, draws=options.draws)
    had, had_tokens, started = len(done), sum(done.new_tokens), time.monotonic()
    if had < len(rows):
        backend = get_backend()
        started = time.monotonic()
        with tqdm(total=len(rows), initial=had, desc=f"score {split}", unit="row") as bar:
            for first in range(had, len(rows), batch):
                answers = _answer(backend, options, prompting, rows[first : first + batch], split, first)
                done.append(answers, prompting)
                bar.update(len(done) - first)
    seconds, counts = time.monotonic() - started, done.new_tokens
    new = (len(rows) - had) * options.draws
    measured = task.measure(rows, done.answers, options.k)
    if any(f"pass@{k}" not in measured for k in options.k):
        measured |= _pass_at_k(task.rates(rows, done.answers), options)
    return measured | {
        "new_tokens": sum(counts),
        "at_token_limit": sum(count >= decoding.max_new_tokens for count in counts) / len(counts),
        "generations_sha256": file_sha256(path),
        "seconds": round(seconds, 1) if new else None,
        "answers_per_second": round(new / seconds, 1) if new else None,
        "tokens_per_second": round((sum(counts) - had_tokens) / seconds, 1) if new else None,
    }


def _pass_at_k(rates: list[float], options: Options) -> dict:
    """pass@k of a metric that has none, with Wilson's interval for n rows."""
    found: dict[str, float | list[float]] = {}
    for k in options.k:
        values = [pass_at_k(options.draws, round(rate * options.draws), k) for rate in rates]
        found |= {f"pass@{k}": mean(values), f"pass@{k}_ci95": list(wilson_interval(sum(values), len(values)))}
    return found


def _answer(
    backend: Backend, options: Options, prompting: Prompting, rows: Sequence[dict], split: str, first: int
) -> list[Answer]:
    """Generate all samples of ``rows``, which begin at index ``first`` of the split, in batches of batch_size."""
    decoding = options.decoding(prompting.stop)
    encoded = [backend.encode(prompting, row) for row in rows]
    longest = max(map(len, encoded))
    if backend.max_positions and longest + decoding.max_new_tokens > backend.max_positions:
        raise InputError(
            f"a prompt of {longest} tokens and --max-new-tokens {decoding.max_new_tokens} are more than the model's "
            f"{backend.max_positions} positions; lower --max-new-tokens or --shots, and give another --out"
        )
    encoded = [ids for ids in encoded for _ in range(options.draws)]
    seeds = [_seed(options.seed, split, first * options.draws + place) for place in range(len(encoded))]
    answers: list[Answer] = []
    for start in range(0, len(encoded), options.batch_size):
        part = slice(start, start + options.batch_size)
        answers += backend.generate(encoded[part], decoding, seeds[part])
    return answers


def _seed(seed: int, split: str, answer: int) -> int:
    """Return 63 bits of a hash of seed, split and answer. A hash keeps neighbouring seeds and answers independent."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{split}/{answer}".encode()).digest()[:8]) >> 1


def summary(results: dict) -> str:
    """Return a line for each split: pass@1 with its interval, n, pass@1 by N, and the other scores.

    For GSM-Plus, a line for each kind of perturbation follows, and with ``gold`` one about the rows' own solutions.
    """
    lines = []
    for split, item in results["splits"].items():
        low, high = item["pass@1_ci95"]
        place = f"{results['config']}/{split}" if results["config"] else split
        place = results["dataset"] if Path(results["dataset"]).is_file() else place
        parts = [f"{results['name']} on {place}: pass@1 {item['pass@1']:.3f} [{low:.3f}, {high:.3f}], n={item['n']}"]
        if item.get("by_n"):
            parts.append(f" ({', '.join(f'N={n} {value:.3f}' for n, value in item['by_n'].items())})")
        others = [key for key in item if key.startswith(("pass@", "maj1@")) and not key.endswith("_ci95")]
        parts += [f", {key} {item[key]:.3f}" for key in others if key != "pass@1"]
        lines.append("".join(parts))
        for kind, group in item.get("by_perturbation", {}).items():
            low, high = group["pass@1_ci95"]
            lines.append(f"  {kind}: pass@1 {group['pass@1']:.3f} [{low:.3f}, {high:.3f}], n={group['n']}")
        if gold := item.get("gold"):
            low, high = gold["log_likelihood_ci95"]
            text = f"  gold solutions: {gold['log_likelihood']:.4f} [{low:.4f}, {high:.4f}] nats a token"
            if gold["steps"]:
                low, high = gold["steps_right_ci95"]
                text += f", steps right {gold['steps_right']:.3f} [{low:.3f}, {high:.3f}], n={gold['steps']}"
            lines.append(text)
    return "\n".join(lines)


def resolve_model(
    options: Options, model: str | None, revision: str | None, adapter: str | None, adapter_revision: str | None
) -> tuple[str, str, str | None, str]:
    """Find what is loaded and where: the base that the adapter names, its recorded revision, the dtype for the device.

    The revision that an adapter records applies only to the base that it names.

    Returns:
        (device, the base's folder or Hub id, the base's revision, a key of DTYPES).

    Raises:
        InputError: neither model nor adapter is given, or one of them cannot be loaded.
    """
    import torch

    from arith_puzzle.evaluation.inference import adapter_config, resolve_dtype

    device = "cuda" if torch.cuda.is_available() else "cpu"
    base = shipped_model(model)
    if adapter:
        config = adapter_config(adapter, adapter_revision)
        named = config["base_model_name_or_path"]
        base = base or shipped_model(named)
        if base == named:
            revision = revision or config.get("revision")
    if base is None:
        raise InputError("score needs --model, --adapter, or both")
    with reported(f"cannot load {base!r}", base):
        return device, base, revision, resolve_dtype(options.dtype, base, revision, device)


def _contents(
    base: str | None, revision: str | None, adapter: str | None, adapter_revision: str | None, dataset: str,
    config: str | None,
) -> dict[str, str | None]:  # fmt: skip
    """Return what identifies the content of the model, the adapter and the dataset."""
    found: dict[str, str | None] = {"model": None, "adapter": None}
    for kind, source, read in (
        ("model", base, partial(model_content, base or "", revision)),
        ("adapter", adapter, partial(model_content, adapter or "", adapter_revision)),
        ("dataset", dataset, partial(dataset_content, dataset, config)),
    ):
        with reported(f"cannot load {source!r}", source):
            if source is not None:
                found[kind] = read()
    return found


def _dataset_digest(dataset: str, config: str | None) -> str | None:
    """Return the SHA-256 of the rows' source, hex; None for a Hub id."""
    manifest = Path(dataset) / "manifest.json"
    with reported(f"{manifest} is damaged; build the dataset again"):
        return rows_digest(manifest, config or "") if manifest.is_file() else digest(dataset)


def _choose_splits(dataset: str, config: str | None, wanted: list[str] | None) -> list[str]:
    available = split_names(dataset, config)
    if wanted is None:
        wanted = [split for split in available if split != "train"]
        if not wanted:
            raise InputError(f"{config or 'the dataset'} of {dataset!r} has only the split train; give --split train")
    for split in wanted:
        if split not in available:
            raise InputError(
                f"{config or 'the dataset'} of {dataset!r} has no split {split!r}; it has {', '.join(available)}"
            )
    return list(dict.fromkeys(wanted))


def trained_by_chat(adapter: str) -> bool:
    """Whether the run.json in an adapter's folder says that it was trained by a chat template."""
    return bool(run_record(adapter).get("recipe", {}).get("chat"))


def _example_rows(task: Task, dataset: str, config: str | None) -> list[dict]:
    if "train" not in split_names(dataset, config):
        raise InputError(f"--shots takes examples from train, and {config or dataset} has no train split; leave it out")
    return read_rows(task, dataset, config, "train", limit=EXAMPLE_ROWS)
