"""A model is loaded with all its weights and tokens, or refused in one line: by training, scoring and merging."""

import json
import shutil

import pytest

pytest.importorskip("torch", reason="the core's tests run without it")

from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.weights import check_vocabulary, load_network
from arith_puzzle.evaluation.inference import load
from tests.commands import command
from tests.training.test_models import recipe_of


@pytest.fixture
def base(learned, tmp_path):
    """A function that copies ``learned`` with another configuration."""

    def changed(**values):
        folder = shutil.copytree(learned, tmp_path / "base")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | values))
        return folder

    return changed


MISFITS = [
    ({"num_hidden_layers": 3}, r"do not fit its config\.json: 9 missing \(such as model\.layers\.2\."),
    ({"num_hidden_layers": 1}, r"do not fit its config\.json: 9 left over \(such as model\.layers\.1\."),
    ({"vocab_size": 40}, r"do not fit its config\.json: 1 of another shape \(such as model\.embed_tokens\.weight\)"),
    ({"tie_word_embeddings": False}, r"do not fit its config\.json: 1 missing \(such as lm_head\.weight\)"),
    ({"num_attention_heads": 3}, "hidden size .64. is not a multiple of the number of attention heads"),
]


@pytest.mark.parametrize(("values", "said"), MISFITS)
def test_weights_that_do_not_fit_the_configuration_are_refused(base, tmp_path, values, said, capfd):
    from arith_puzzle.training.models import load_model

    folder = str(base(**values))
    recipe = recipe_of(tmp_path, {"base": folder})
    for loads in (lambda: load_network(folder), lambda: load(folder), lambda: load_model(recipe)):
        with pytest.raises(InputError, match=said) as caught:
            loads()
        assert "\n" not in str(caught.value)
    said = capfd.readouterr().err
    assert "LOAD REPORT" not in said and "not sharded" not in said


def test_an_output_layer_that_is_tied_may_be_missing(learned):
    assert "lm_head.weight" not in load_file(learned / "model.safetensors")
    network = load_network(str(learned))
    assert network.lm_head.weight is network.get_input_embeddings().weight


@pytest.mark.parametrize("change", ["missing", "left over", "no such module", "other shape"])
def test_an_adapter_whose_weights_do_not_fit_is_refused(adapted, tmp_path, capsys, starter, change):
    folder = shutil.copytree(adapted, tmp_path / "adapter")
    weights = load_file(folder / "adapter_model.safetensors")
    name = next(name for name in weights if "layers.1" in name and "lora_B" in name)
    if change == "no such module":
        weights = {name.replace("layers.1", "layers.7"): tensor for name, tensor in weights.items()}
    elif change == "left over":
        weights[name.replace("layers.1", "layers.7")] = weights[name].clone()
    elif change == "other shape":
        weights[name] = weights[name][:-1].clone()
    else:
        del weights[name]
    save_file(weights, folder / "adapter_model.safetensors")
    rows = ["--dataset", str(starter[0]), "--split", "test", "--limit", "2", "--max-new-tokens", "4"]
    for name, words in (("merge", []), ("score", rows)):
        assert command(name)(["--adapter", str(folder), "--out", str(tmp_path / name), *words]) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith(f"arith-puzzle {name}: ") and str(folder) in line, line
        assert {"missing": "1 missing", "left over": "1 left over", "no such module": "missing",
                "other shape": "cannot load the adapter"}[change] in line, line  # fmt: skip
    assert not (tmp_path / "merge").exists()


def test_an_adapter_is_no_base(adapted, tmp_path, capsys):
    words = ["--adapter", str(adapted), "--model", str(adapted), "--out", str(tmp_path / "merged")]
    assert command("merge")(words) == 2
    assert f"{str(adapted)!r} is an adapter, and this needs a whole model" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_file_that_git_lfs_has_not_downloaded_is_named(base, tmp_path, name):
    from arith_puzzle.training.models import load_model

    folder = base()
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    for loads in (lambda: load(str(folder)), lambda: load_model(recipe_of(tmp_path, {"base": str(folder)}))):
        with pytest.raises(InputError, match=rf"{name} is a pointer of git-lfs.*git lfs pull"):
            loads()


def test_tokens_beyond_the_embeddings_are_refused_unless_no_text_has_them(learned):
    network, tokenizer = load_network(str(learned)), AutoTokenizer.from_pretrained(learned)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    check_vocabulary(network, tokenizer, "x")
    tokenizer.chat_template = "{{ messages[0].content }}<image>"
    with pytest.raises(InputError, match=r"has 1 tokens \(such as '<image>'\) beyond the model's 21 embeddings"):
        check_vocabulary(network, tokenizer, "x")
    tokenizer.chat_template = None
    tokenizer.add_tokens(["word"])
    with pytest.raises(InputError, match=r"has 1 tokens \(such as 'word'\)"):
        check_vocabulary(network, tokenizer, "x")
