"""What several folders of tests share: the real `starter`, built once, and a small random model."""

import os

import pytest

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # before any import of huggingface_hub
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


@pytest.fixture(scope="session")
def starter(tmp_path_factory):
    """(folder named arith-puzzle with the built config and its card, manifest)."""
    from pathlib import Path

    from release.pipeline import build_stage

    out = Path(tmp_path_factory.mktemp("data")) / "arith-puzzle"
    return out, build_stage("starter", out, seed=0, workers=2)


@pytest.fixture(scope="session")
def small_base(tmp_path_factory):
    """A folder with a random Llama of arith-tiny's kind, small enough that a step takes milliseconds."""
    from training.tiny import build_tokenizer, init_model

    out = tmp_path_factory.mktemp("models") / "small-base"
    tokenizer = build_tokenizer()
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    init_model(shape, tokenizer, seed=0).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out
