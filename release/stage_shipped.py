"""Stage the trained adapters in ``results/``, and their bases, from the files beside their weights."""

from __future__ import annotations

import shutil
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import read_json, write_json, write_text
from arith_puzzle.common.provenance import MODEL_FILES
from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.dataset_builder.puzzle import parse_puzzle
from arith_puzzle.evaluation.plots import plot_by_n, plot_loss, plot_reasons
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.model_cards.licence import base_licence, copy_notices
from arith_puzzle.model_cards.render import base_card
from arith_puzzle.model_cards.shipped import PROMPT, ShippedAdapter, shipped_card
from arith_puzzle.release.inputs import Inputs, hub_results, hub_run


def copy_model(run: Path, folder: Path) -> None:
    """Copy a run's weights, tokenizer and records, without its checkpoints and its database of curves."""
    folder.mkdir()
    known = ("*.json", "*.safetensors", "*.jinja", "*.model", *MODEL_FILES)
    for path in sorted({path for pattern in known for path in run.glob(pattern) if path.is_file()}):
        if path.name != "recipe.json":
            shutil.copy(path, folder)


def stage_shipped_base(folder: Path, repo_id: str, model: ShippedAdapter, inputs: Inputs) -> None:
    """Write the folder of the base of an adapter of the package."""
    copy_model(model.base, folder)
    copy_notices(str(model.base), folder)
    plot_loss(model.base_run["log"], folder / "plots" / "loss.png")
    card = base_card(
        inputs.shipped_names(model) | {"repo_id": repo_id}, model.base_run, None, manifest=model.manifest,
        config=read_json(folder / "config.json"), licence=base_licence(str(model.base)),
    )  # fmt: skip
    write_text(folder / "README.md", card)


def stage_shipped_adapter(folder: Path, repo_id: str, model: ShippedAdapter, inputs: Inputs) -> None:
    """Write the folder of an adapter of the package. The adapter writes the example of its card."""
    copy_model(model.folder, folder)
    copy_notices(str(model.base), folder)
    names = inputs.shipped_names(model) | {"repo_id": repo_id}
    config = read_json(folder / "adapter_config.json")
    config |= {"base_model_name_or_path": names["base_id"], "revision": inputs.tag}
    write_json(folder / "adapter_config.json", config)
    write_json(folder / "run.json", hub_run(model.run, names["base_id"]))
    first, *more = (
        hub_results(each, adapter_id=repo_id, tag=inputs.tag, base_id=names["base_id"], base_revision=inputs.tag)
        for each in model.results
    )
    write_json(folder / "results.json", {"adapter": first, **{each["config"]: each for each in more}})
    plot_by_n({"adapter": model.results}, folder / "plots" / "by_n.png")
    plot_reasons({"adapter": model.results}, folder / "plots" / "reasons.png")
    plot_loss(model.run["log"], folder / "plots" / "loss.png")
    card = shipped_card(names, model, example=written_example(model), licence=base_licence(str(model.base)))
    write_text(folder / "README.md", card)


def written_example(model: ShippedAdapter) -> dict:
    """The paper's example with what an adapter of the package writes for it, with the keys that cards need.

    Raises:
        InputError: it does not solve the example.
    """
    from arith_puzzle.evaluation.inference import Decoding, generate, load

    form, (numbers, target) = FORMATS[model.recipe.score.format], parse_puzzle(PROMPT.strip())
    network, tokenizer = load(str(model.base), adapter=str(model.folder), merge=True)
    question = form.question({"numbers": numbers, "target": target})
    prompts, limit = [tokenizer(question)["input_ids"]], model.results[0]["decoding"]["max_new_tokens"]
    raw = generate(network, tokenizer, prompts, Decoding(limit))[0].text
    answer = form.strict(raw)
    if not verify(numbers, target, answer).correct:
        raise InputError(f"{model.folder} does not solve the example of its card, {PROMPT.strip()}; train it again")
    return {"numbers": numbers, "target": target, "prompt": question, "messages": None, "template_kwargs": {},
            "own_eos": False, "answer": answer, "raw": raw, "rules": {}, "verdict": "ok"}  # fmt: skip
