"""Tests with a real server: `transformers serve` with the project's tiny base, which knows twenty characters."""

import os
import shutil
from pathlib import Path

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.aug_gsm8k.local_server import model_name, serve
from tests.commands import command

main = command("augment")

TINY = Path(__file__).resolve().parents[3] / "training" / "bases" / "arith-tiny"


@pytest.fixture
def model(tmp_path):
    """arith-tiny with a chat template that shows it only the number of messages."""
    folder = tmp_path / "tiny"
    shutil.copytree(TINY, folder)
    (folder / "chat_template.jinja").write_text("{{ messages | length }},6,7:4\n")
    return folder


@pytest.mark.slow
def test_a_real_model_of_little_skill(model, gsm8k, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = ["model", "--serve", str(model), "--source", str(gsm8k[0]), "--out", str(tmp_path / "run")]
    command += ["--store", str(tmp_path / "s.jsonl"), "--terms", "Apache-2.0", "--paths", "2", "--tries", "2"]
    command += ["--question-tokens", "16", "--path-tokens", "8", "--strategies-per-question", "1", "--limit", "2"]
    assert main(command) == 2  # the model writes no list of questions and no right answer
    err = capfd.readouterr().err
    assert "no pair is left of 10 new questions and 4 paths" in err.splitlines()[-1]
    lines = (tmp_path / "s.jsonl").read_text().splitlines()
    assert len(lines) == 2 * 2 + 4 and all('"prompt_tokens": ' in line for line in lines)
    assert len(set(lines)) == len(lines)


@pytest.mark.slow
def test_a_server_that_does_not_start_is_one_line(model, tmp_path):
    (model / "config.json").write_text("{}")
    with (
        pytest.raises(InputError, match=r"transformers serve did not start: .*; read the log"),
        serve(model, tmp_path / "log", concurrency=1, reply_tokens=8),
    ):
        pass


def test_a_models_name_says_which_weights(model, tmp_path):
    name = model_name(model)
    assert name.startswith("tiny-") and name == model_name(Path(os.path.relpath(model)))
    with (model / "model.safetensors").open("ab") as file:
        file.write(b" ")
    assert model_name(model) != name
    with pytest.raises(InputError, match="has no model"):
        model_name(tmp_path)
