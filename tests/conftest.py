"""What several folders of tests share: the real `starter`, built once, and a small random model."""

import os

import pytest

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # before any import of huggingface_hub
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


def pytest_collection_modifyitems(items):
    """Each of the processes of ``make test`` takes whole folders: what its tests share is made once a process."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.relative_to(item.config.rootpath).parts[1]))


@pytest.fixture(scope="session", autouse=True)
def token_caches(tmp_path_factory):
    """Token caches of the tests' own, for the processes that they start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARITH_PUZZLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def starter(tmp_path_factory):
    """(folder named arith-puzzle with the built config and its card, manifest)."""
    from pathlib import Path

    from arith_puzzle.release.pipeline import build_stage

    out = Path(tmp_path_factory.mktemp("data")) / "arith-puzzle"
    return out, build_stage("starter", out, seed=0, workers=2)


@pytest.fixture(scope="session")
def small_base(tmp_path_factory):
    """A folder with a Llama of arith-tiny's kind, trained for ten steps of milliseconds: it answers nonsense."""
    import yaml

    from arith_puzzle.training.recipe import load_recipe
    from arith_puzzle.training.sft import train

    folder = tmp_path_factory.mktemp("models")
    recipe = {
        "name": "small-base",
        "drills": {"rows": 640},
        "model": {
            "shape": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        },
        "sft": {"max_steps": 10, "per_device_train_batch_size": 16, "bf16": False, "report_to": "none", "use_cpu": True,
                "activation_checkpointing": False, "dataloader_pin_memory": False, "logging_steps": 5},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return train(load_recipe(folder / "recipe.yaml"), folder / "small-base")
