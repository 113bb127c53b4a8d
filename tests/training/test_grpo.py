"""Reinforcement learning by a recipe: what it learns from, what it writes, how it resumes, what it refuses."""

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.training import sft
from arith_puzzle.training.grpo import puzzles, rewards, train
from arith_puzzle.training.recipe import load_recipe
from arith_puzzle.training.trainer import StopAtNaN
from tests.fixtures.models import CPU
from tests.paths import ROOT

STARTER = "training/adapters/arith-tiny-starter"
GRPO = CPU | {
    "max_steps": 4, "per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 32,
    "learning_rate": 1.0e-3, "beta": 0.0, "logging_steps": 1, "save_steps": 2,
}  # fmt: skip


@pytest.fixture
def recipe_of(tmp_path, learned):
    def make(**changes):
        values = {"name": "t", "dataset": {"rows": 64}, "model": {"base": str(learned)}, "grpo": GRPO} | changes
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in values.items() if value is not None}))
        return load_recipe(path)

    return make


def _same(one, two) -> bool:
    pairs = zip(load_file(one).items(), load_file(two).items(), strict=True)
    return all(name == other and torch.equal(a, b) for (name, a), (other, b) in pairs)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(recipe_of, starter, tmp_path, monkeypatch):
    """From an adapter, which is trained on. The samples after a checkpoint are those of the run without a pause."""
    section = {"base": "training/bases/arith-tiny", "adapter": "training/adapters/arith-tiny-starter"}
    recipe = recipe_of(model=section, lora={"r": 64, "lora_alpha": 64, "lora_dropout": 0.0}, reward={"graded": 0.5})
    whole = train(recipe, tmp_path / "whole", dataset=str(starter[0]))
    plain = StopAtNaN.on_log

    def interrupt(self, args, state, control, logs=None, **kwargs):
        if state.global_step == 3:
            raise KeyboardInterrupt
        plain(self, args, state, control, logs, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StopAtNaN, "on_log", interrupt)
        train(recipe, tmp_path / "cut", dataset=str(starter[0]))
    cut = train(recipe, tmp_path / "cut", dataset=str(starter[0]))
    record, other = (json.loads((path / "run.json").read_text()) for path in (cut, whole))
    assert record["resumed_from_step"] == 2 and other["resumed_from_step"] is None
    assert _same(cut / "adapter_model.safetensors", whole / "adapter_model.safetensors")
    assert not _same(whole / "adapter_model.safetensors", ROOT / section["adapter"] / "adapter_model.safetensors")
    assert record["samples"] == 4 * 8 and record["puzzles"] == 64 and set(record["content"]) == {
        "base", "dataset", "adapter"}  # fmt: skip
    for line in other["log"][:4]:
        assert {"reward", "rewards/reward/mean", "rewards/graded_reward/mean", "frac_reward_zero_std", "entropy",
                "completions/mean_length"} <= set(line)  # fmt: skip
        assert line["reward"] == pytest.approx(line["rewards/reward/mean"] + line["rewards/graded_reward/mean"] / 2)
    config = json.loads((whole / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"].endswith(section["base"])


@pytest.mark.slow
def test_an_adapter_is_merged_where_all_parameters_are_trained(recipe_of, adapted, learned, starter, tmp_path):
    section = {"base": str(learned), "adapter": str(adapted)}
    still = GRPO | {"max_steps": 1, "learning_rate": 0.0}
    run = train(recipe_of(model=section, grpo=still), tmp_path / "all", dataset=str(starter[0]))
    from arith_puzzle.evaluation.inference import load

    merged = load(str(learned), adapter=str(adapted), merge=True)[0]
    for name, tensor in load(str(run))[0].state_dict().items():
        torch.testing.assert_close(tensor, merged.state_dict()[name])
    more = recipe_of(model=section, lora={"r": 4}, grpo=None, sft=CPU | {"max_steps": 1})
    assert (sft.train(more, tmp_path / "more", dataset=str(starter[0])) / "adapter_model.safetensors").is_file()
    for changed, said in (({"r": 8}, "has another shape than the lora section; write r: 4"),
                          ({"r": 4, "target_modules": ["q_proj"]}, "names other layers than the adapter")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            train(
                recipe_of(model=section, lora={"lora_alpha": 32} | changed), tmp_path / "other", dataset=str(starter[0])
            )


def test_the_model_is_asked_and_judged_as_score_does_it(recipe_of, starter):
    recipe = recipe_of(dataset={"rows": 20, "format": "search"}, reward={"lenient": True, "graded": 0.1})
    rows = puzzles(recipe, str(starter[0]))
    assert rows.column_names == ["numbers", "target", "prompt"] and len(rows) == 20
    row = rows[0]
    assert row["prompt"] == f"{','.join(map(str, row['numbers']))}:{row['target']}\n"
    columns = {"numbers": [[2, 3, 4]] * 3, "target": [14] * 3, "prompts": [""] * 3}
    answers = ["3*4=12\n2,12:14\n:\n3*4=12\n2+12=14", "3*4=12\n2,12:14\n:\n 3*4 = 12\n2+12 = 14", "3*4=12"]
    exact, graded = rewards(recipe)
    assert (exact.__name__, graded.__name__) == ("reward", "graded_reward")
    assert exact(answers, **columns) == [1.0, 1.0, 0.0] and graded(answers, **columns)[:2] == [1.0, 1.0]
    (strict,) = rewards(recipe_of(dataset={"rows": 20, "format": "search"}))
    assert strict(answers, **columns) == [1.0, 0.0, 0.0]
    assert not verify([2, 3, 4], 14, answers[0]).correct
    (backward,) = rewards(recipe_of(dataset={"format": "backward"}))
    assert backward(["2+12=14\n3*4=12"], numbers=[[2, 3, 4]], target=[14]) == [1.0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sft": {"max_steps": 2}}, "'sft' and 'grpo' exclude each other"),
        ({"grpo": GRPO | {"num_generation": 4}}, "did you mean 'grpo.num_generations'"),
        ({"grpo": GRPO | {"reward_weights": [1.0]}}, "it is set by the recipe's reward.graded"),
        ({"grpo": GRPO | {"num_generations": 3}}, "TRL refuses the grpo section"),
        ({"grpo": GRPO | {"steps_per_generation": 4, "save_steps": 2}}, "use a multiple of 4"),
        ({"reward": {"graded": 2.0}}, "reward.graded"),
        ({"reward": {"lenent": True}}, "did you mean 'reward.lenient'"),
        ({"grpo": None, "reward": {}}, "'reward' is for recipes with a 'grpo' section"),
        ({"dataset": {"format": "alpaca"}}, "'grpo' needs puzzles"),
        ({"pack": 64}, "'pack' is not for 'grpo'"),
        ({"model": {"shape": {"hidden_size": 8}}}, "'grpo' needs a model that solves some puzzles"),
        ({"dataset": {"rows": 10**6}}, "dataset.rows asks for 1000000 rows; train of"),
        ({"dataset": {"split": "trains"}}, "cannot load the dataset"),
        ({"model": {"base": "training/bases/arith-tiny", "adapter": ""}}, "the adapter has an empty name"),
        ({"model": {"base": "training/bases/arith-tiny-search", "adapter": STARTER}}, "another base than"),
        ({"dataset": {"rows": 1}}, "fewer rows than one step needs"),
        ({"grpo": GRPO | {"num_iterations": 0}}, "grpo.num_iterations is 0; it must be above 0"),
        ({"grpo": GRPO | {"save_steps": 0}}, "use a multiple of"),
        ({"grpo": GRPO | {"use_vllm": True}}, "vLLM is not available"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_line(recipe_of, starter, tmp_path, changes, said):
    with pytest.raises(InputError, match=said) as caught:
        train(recipe_of(**changes), tmp_path / "out", dataset=str(starter[0]))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "run.json").exists()


def test_each_script_trains_its_own_kind_of_recipe(recipe_of, tmp_path):
    with pytest.raises(InputError, match="has a grpo section"):
        sft.train(recipe_of(), tmp_path / "out")
    with pytest.raises(InputError, match="has a sft section"):
        train(recipe_of(grpo=None), tmp_path / "out")


def test_samples_without_an_advantage_are_left_out_and_the_gradient_stays(recipe_of, starter, tmp_path, monkeypatch):
    """The gradient of a step by TRL's own trainer and by ours, with the same samples, of which a half teach nothing."""
    from trl import GRPOTrainer

    from arith_puzzle.training.grpo_trainer import SignalTrainer

    section = {"base": "training/bases/arith-tiny", "adapter": "training/adapters/arith-tiny-starter"}
    grpo = GRPO | {"max_steps": 1, "per_device_train_batch_size": 32, "max_grad_norm": 1e9}
    seen: list[dict] = []
    plain = GRPOTrainer.compute_loss

    def watched(self, model, inputs, *args, **kwargs):
        seen.append({"rows": len(inputs["advantages"]), "signal": int((inputs["advantages"] != 0).sum())})
        return plain(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(GRPOTrainer, "compute_loss", watched)
    norms = []
    for keep in (False, True):
        with monkeypatch.context() as patch:
            if keep:
                patch.setattr(SignalTrainer, "_with_signal", lambda self, inputs: inputs)
            run = train(recipe_of(model=section, grpo=grpo), tmp_path / str(keep), dataset=str(starter[0]))
        norms.append(json.loads((run / "run.json").read_text())["log"][0]["grad_norm"])
    assert seen[1] == {"rows": 32, "signal": seen[0]["signal"]}
    assert 0 < seen[0]["rows"] == seen[0]["signal"] < 32
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)
