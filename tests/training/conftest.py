"""Models of seconds that answer differently from prompt to prompt, as real ones do."""

import string
import subprocess

import pytest
import yaml

CPU = {"bf16": False, "report_to": "none", "activation_checkpointing": False, "dataloader_pin_memory": False,
       "use_cpu": True}  # fmt: skip


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """A small base that has learned single equations for a moment."""
    from arith_puzzle.training.recipe import load_recipe
    from arith_puzzle.training.sft import train

    folder = tmp_path_factory.mktemp("learned")
    recipe = {
        "name": "learned", "drills": {"rows": 6400, "drill_share": 0.3},
        "model": {"shape": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                            "intermediate_size": 128}},
        "sft": CPU | {"per_device_train_batch_size": 64, "learning_rate": 5.0e-3, "max_steps": 100},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return train(load_recipe(folder / "recipe.yaml"), folder / "out")


@pytest.fixture(scope="session")
def adapted(learned, starter, tmp_path_factory):
    """A LoRA adapter on ``learned``, trained for a moment on the dataset."""
    from arith_puzzle.training.recipe import load_recipe
    from arith_puzzle.training.sft import train

    folder = tmp_path_factory.mktemp("adapted")
    recipe = {
        "name": "adapted", "dataset": {"rows": 640}, "model": {"base": str(learned)}, "lora": {"r": 4},
        "sft": CPU | {"per_device_train_batch_size": 32, "learning_rate": 1.0e-2, "max_steps": 20},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return train(load_recipe(folder / "recipe.yaml"), folder / "out", dataset=str(starter[0]))


@pytest.fixture(scope="session")
def talker(tmp_path_factory):
    """A random model whose tokenizer writes English, and has a chat template; what it says means nothing."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from arith_puzzle.training.tiny import init_model

    folder = tmp_path_factory.mktemp("talker") / "talker"
    special = ["<pad>", "<bos>", "<eos>", "<user>", "<assistant>"]
    core = Tokenizer(models.WordLevel({token: i for i, token in enumerate([*special, *string.printable])}))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    core.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>",
        additional_special_tokens=special[3:], clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}<assistant>"
    )
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    model = init_model(shape, tokenizer, seed=3)
    model.config.max_position_embeddings = 4096
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def small_disk(tmp_path):
    """A function that makes a file system of so many bytes, or grows it, and returns its folder."""
    folder = tmp_path / "disk"

    def size(number: int):
        again = (
            ["-o", f"remount,size={number}"] if folder.is_dir() else ["-t", "tmpfs", "-o", f"size={number}", "tmpfs"]
        )
        folder.mkdir(exist_ok=True)
        made = subprocess.run(["mount", *again, str(folder)], capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"only root may mount a file system: {made.stderr.strip()}")
        return folder

    yield size
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True)
