"""The steps of a release that refuse what could only fail after publishing."""

from dataclasses import replace

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.release.pipeline import Work, score_models
from arith_puzzle.training.recipe import load_recipe
from tests.commands import command
from tests.release.staging import write_stage


def test_an_adapter_that_answers_as_its_base_does_is_not_released(small_base, starter, tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    recipe = load_recipe("tiny_cpu")
    recipe = replace(recipe, model=replace(recipe.model, base=str(small_base)),
                     score=replace(recipe.score, limit=3, max_new_tokens=8))  # fmt: skip
    work = Work(tmp_path / "release", dataset=starter[0])
    untrained = get_peft_model(AutoModelForCausalLM.from_pretrained(small_base), LoraConfig(r=2))
    untrained.save_pretrained(work.run)
    with pytest.raises(
        InputError, match="answers every scored row as its base does, so it does nothing; train it longer"
    ):
        score_models(recipe, work)


@pytest.mark.parametrize("name", ["stage", "publish", "check", "release"])
def test_one_command_at_a_time_works_in_a_folder(tmp_path, capsys, name):
    write_stage(tmp_path / "stage")
    with Work(tmp_path).claim():
        assert command(name)(["tiny_cpu", "--to", "local", "--work", str(tmp_path)]) == 2
    said = f"arith-puzzle {name}: another process is working in {tmp_path}; wait for it, or choose another folder\n"
    assert capsys.readouterr().err == said
    assert {path.name for path in tmp_path.iterdir()} == {"stage"}
