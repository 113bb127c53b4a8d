"""Recipes are read strictly: what is not known, contradictory or of the wrong type is one line."""

from dataclasses import fields

import pytest
import yaml

from dataset_builder.errors import InputError
from training.recipe import ROOT, check_sft_keys, load_recipe

RECIPES = sorted((ROOT / "training" / "recipes").glob("*.yaml"))
GOOD = {"name": "x", "model": {"base": "b"}, "dataset": {"rows": 5}, "lora": {"r": 4}, "sft": {"max_steps": 1}}


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.name)
def test_every_recipe_loads_and_trl_knows_its_keys(path):
    from peft import LoraConfig
    from trl import SFTConfig

    recipe = load_recipe(path)
    check_sft_keys(recipe, [item.name for item in fields(SFTConfig)])
    SFTConfig(output_dir="unused", **recipe.sft | {"report_to": "none"})
    if recipe.lora:
        LoraConfig(r=recipe.lora.r, target_modules=recipe.lora.target_modules)
    assert path.read_text().startswith("# "), "a recipe says what it reproduces and what it costs"


def _write(tmp_path, change):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **change}))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sed": 1}, "unknown key 'sed'; did you mean 'seed'"),
        ({"lora": {"r": 4, "alpha": 8}}, "lora.alpha"),
        ({"lora": {"r": "4"}}, "lora.r must be int"),
        ({"lora": {"r": 0}}, "at least 1"),
        ({"dataset": {"row": 5}}, "dataset.row"),
        ({"dataset": [1]}, "mapping"),
        ({"dataset": None}, "exactly one of 'dataset' and 'drills'"),
        ({"drills": {"rows": 5}}, "exactly one of 'dataset' and 'drills'"),
        ({"model": {"base": "b", "shape": {"hidden_size": 8}}}, "exactly one of 'base' and 'shape'"),
        ({"model": {"shape": {"hidden_size": 8}}}, "'lora' needs a 'model.base'"),
        ({"sft": {"output_dir": "/x"}}, "sft.output_dir"),
        ({"sft": {"hub_token": "hf_secret"}}, "HF_TOKEN"),
        ({"seed": "0"}, "'seed' is an integer"),
        ({"name": 3}, "needs 'name'"),
    ],
)
def test_a_bad_recipe_is_one_line(tmp_path, change, said):
    with pytest.raises(InputError) as caught:
        load_recipe(_write(tmp_path, change))
    assert said in str(caught.value) and "\n" not in str(caught.value) and "hf_secret" not in str(caught.value)


def test_files_that_are_no_recipe(tmp_path):
    for name, text in (("a", "a: [\n"), ("b", "- 1\n"), ("c", "\xff")):
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        with pytest.raises(InputError):
            load_recipe(tmp_path / name)
    with pytest.raises(InputError, match="cannot read"):
        load_recipe(tmp_path / "absent.yaml")


def test_an_unknown_sft_key_names_the_close_one(tmp_path):
    recipe = load_recipe(_write(tmp_path, {"sft": {"learning_rat": 1.0}}))
    with pytest.raises(InputError, match=r"sft\.learning_rat.*did you mean 'sft\.learning_rate'"):
        check_sft_keys(recipe, ["learning_rate", "max_steps"])


def test_the_digest_tells_recipes_apart(tmp_path):
    one = load_recipe(_write(tmp_path, {}))
    assert one.digest == load_recipe(_write(tmp_path, {})).digest
    assert one.digest != load_recipe(_write(tmp_path, {"seed": 1})).digest
