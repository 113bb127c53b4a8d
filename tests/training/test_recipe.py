"""Recipes are read strictly: an unknown key, a wrong type or a contradiction is an error of one line."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.training.recipe import check_trainer_keys, load_recipe
from arith_puzzle.training.sections import NeedsSection
from tests.paths import ROOT

GOOD = {"name": "x", "model": {"base": "b"}, "dataset": {"rows": 5}, "lora": {"r": 4}, "sft": {"max_steps": 1}}
SHAPE = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}


def _write(tmp_path, change):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **change}))
    return path


def _shape(**change):
    return {"model": {"shape": SHAPE | change}, "lora": None}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # keys, at any depth
        ({"sed": 1}, "unknown key 'sed'; did you mean 'seed'"),
        ({"packing": 512}, "unknown key 'packing'; did you mean 'pack'"),
        ({"lora": {"r": 4, "lora_alph": 8}}, "unknown key 'lora.lora_alph'; did you mean 'lora.lora_alpha'"),
        ({"dataset": {"row": 5}}, "did you mean 'dataset.rows'"),
        ({"model": {"base": "b", "dtyp": "bfloat16"}}, "did you mean 'model.dtype'"),
        ({"needs": {"gpu": 1}}, "did you mean 'needs.gpus'"),
        ({"score": {"split": ["test"]}}, "did you mean 'score.splits'"),
        (_shape(hiden_size=8), "did you mean 'model.shape.hidden_size'"),
        ({"name": 3}, "name must be a valid string, not 3"),
        ({"model": None}, "'model' is missing"),
        ({"name": None}, "name must be a valid string, not None"),
        ({"drills": {"drill_share": 0.5}, "dataset": None}, "'drills.rows' is missing"),
        ({"model": {"shape": {"hidden_size": 8}}, "lora": None}, "model.shape has no num_hidden_layers"),
        (_shape(sliding_windw=8), "did you mean 'model.shape.sliding_window'"),
        ({"model": {"base": "b", "tokenizer": "pairs"}}, "slow goes with a 'model.base' and pairs with a 'shape'"),
        (
            {"model": {"shape": SHAPE, "tokenizer": "slow"}, "lora": None},
            "slow goes with a 'model.base' and pairs with a 'shape'",
        ),
        ({"score": {"limit": 0}}, "score.limit must be at least 1"),
        # types
        ({"dataset": [1]}, "'dataset' must be a mapping"),
        ({"lora": "yes"}, "'lora' must be a mapping"),
        ({"lora": {"r": "4"}}, "lora.r must be a valid integer, not '4'"),
        ({"lora": {"r": True}}, "lora.r must be a valid integer, not True"),
        ({"lora": {"r": None}}, "lora.r must be a valid integer, not None"),
        ({"lora": {"target_modules": [1]}}, "lora.target_modules.list[str].0 must be a valid string, not 1"),
        ({"dataset": {"rows": 5.0}}, "dataset.rows must be a valid integer, not 5.0"),
        (
            {"dataset": {"format": "latin"}},
            "dataset.format must be 'symbolic', 'natural', 'alpaca', 'search', 'procedure', 'first_attempt', "
            "'shuffled', 'either_order', 'backward' or 'reversed_digits', not 'latin'",
        ),
        ({"model": {"base": "b", "dtype": "float16"}}, "model.dtype must be 'float32' or 'bfloat16', not 'float16'"),
        ({"score": {"splits": "test"}}, "score.splits must be a valid list, not 'test'"),
        ({"score": {"splits": []}}, "score.splits must be a list of at least 1, not []"),
        ({"seed": "0"}, "seed must be a valid integer, not '0'"),
        ({"sft": [1]}, "sft must be a valid dictionary, not [1]"),
        ({"sft": {"learning_rate": "1e-4"}}, "sft.learning_rate: '1e-4' is text in YAML, not a number"),
        ({"pack": "512"}, "pack must be a valid integer, not '512'"),
        ({"name": "../up"}, "letters, digits"),
        # bounds
        ({"lora": {"r": 0}}, "lora.r must be at least 1, not 0"),
        ({"lora": {"lora_dropout": 1}}, "lora.lora_dropout must be below 1, not 1"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"pack": 8}, "pack must be at least 64, not 8"),
        ({"needs": {"gpus": 0}}, "needs.gpus must be at least 1"),
        ({"drills": {"rows": 5, "drill_share": 1.5}, "dataset": None}, "drills.drill_share must be at most 1, not 1.5"),
        (_shape(hidden_size=0), "model.shape.hidden_size must be at least 1, not 0"),
        # sense
        ({"dataset": None}, "'dataset', 'drills' or both"),
        ({"model": {"base": "b", "shape": SHAPE}}, "exactly one of 'base' and 'shape'"),
        ({"model": {"shape": SHAPE}}, "'lora' needs a 'model.base'"),
        ({"model": {"shape": SHAPE, "dtype": "float32"}, "lora": None}, "model.dtype goes with a 'model.base'"),
        ({"model": {"base": "b", "dtype": "bfloat16", "quantization": "nf4"}, "lora": None}, "add a 'lora' section"),
        ({"model": {"base": "b", "quantization": "nf4"}}, "model.quantization needs model.dtype"),
        ({"model": {"base": "b", "dtype": "bfloat16"}, "lora": None}, "trained weights stay float32"),
        ({"model": {"base": "b", "attn_implementation": "flash_attention_2"}}, "works in 16 bits only"),
        ({"sft": {"bf16": True, "fp16": True}}, "exclude each other"),
        ({"needs": {"gpus": 1}, "sft": {"use_cpu": True}}, "sft.use_cpu forbids them"),
        ({"sft": {"output_dir": "/x"}}, "sft.output_dir is not set in a recipe; it is set by --out"),
        ({"sft": {"packing": True}}, "it is set by the recipe's pack"),
        ({"sft": {"fsdp": "full_shard"}}, "training/accelerate/fsdp.yaml"),
        ({"sft": {"trust_remote_code": True}}, "no remote code is run"),
        ({"sft": {"hub_token": "hf_secret"}}, "HF_TOKEN"),
    ],
)
def test_a_bad_recipe_is_one_line(tmp_path, change, said, capsys):
    path = _write(tmp_path, change)
    assert main(["train", str(path)]) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and not told.out
    assert "hf_secret" not in told.err and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [\n", "is not YAML"),
        ("- 1\n", "a recipe is a mapping"),
        ("", "a recipe is a mapping"),
        ("\xff", "is not YAML"),
        ("name: x\nname: y\n", "the key 'name' is given twice"),
        ("name: x\nlora: {r: 1, r: 2}\n", "the key 'r' is given twice"),
        ("name: !!python/object/apply:os.system [ls]\n", "is not YAML"),
    ],
)
def test_files_that_are_no_recipe(tmp_path, text, said):
    (tmp_path / "a").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=said) as caught:
        load_recipe(tmp_path / "a")
    assert "\n" not in str(caught.value)


def test_reading_a_recipe_imports_no_torch():
    code = "import sys; from arith_puzzle.training.recipe import load_recipe; load_recipe('tiny_cpu')"
    code += "; assert not {'torch', 'transformers'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_file_is_said_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match=r"cannot read the recipe .*see training/recipes/"):
        load_recipe(tmp_path / "absent.yaml")


def test_an_unknown_sft_key_names_the_close_one(tmp_path):
    recipe = load_recipe(_write(tmp_path, {"sft": {"learning_rat": 1.0}}))
    with pytest.raises(InputError, match=r"sft\.learning_rat.*did you mean 'sft\.learning_rate'"):
        check_trainer_keys(recipe, ["learning_rate", "max_steps"])


@pytest.mark.slow
def test_a_recipe_for_a_gpu_on_a_machine_without_one(monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    recipe = ROOT / "training" / "recipes" / "paper_openllama3b.yaml"
    assert main(["train", str(recipe), "--out", str(tmp_path / "out")]) == 2
    told = capfd.readouterr().err
    assert "needs 1 GPU of 40 GB and this machine has none; take training/recipes/tiny_cpu.yaml" in told
    assert told.count("\n") == 1 and "Traceback" not in told and not (tmp_path / "out").exists()


def test_the_digest_tells_recipes_apart(tmp_path):
    def digest(change):
        return load_recipe(_write(tmp_path, change)).digest

    changes = [
        {}, {"seed": 1}, {"pack": 512}, {"dataset": {"rows": 5, "format": "natural"}}, {"lora": {"r": 5}},
        {"model": {"base": "b", "dtype": "bfloat16"}}, {"model": {"base": "b", "tokenizer": "slow"}},
    ]  # fmt: skip
    assert len({digest(change) for change in changes}) == len(changes)
    assert digest({}) == digest({"pack": None, "model": {"base": "b", "dtype": None}}), "a default may be left out"
    recipe = load_recipe(_write(tmp_path, {}))
    assert replace(recipe, needs=NeedsSection()).digest == recipe.digest, "the hardware does not change the digest"


def test_the_shipped_base_is_its_recipes():
    """Fields that were added after a run do not change its digest."""
    run = json.loads((ROOT / "training/bases/arith-tiny/run.json").read_text())
    assert run["recipe_digest"] == load_recipe(ROOT / "training/recipes/tiny_base.yaml").digest
