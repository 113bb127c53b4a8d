"""The package's recipes, with bases built without weights: which parameters they train, and the memory they need."""

from dataclasses import asdict, fields, replace
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config
from trl import GRPOConfig, SFTConfig

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.aug_gsm8k.dataset import ALL
from arith_puzzle.dataset_builder.configs import CONFIGS, with_solutions
from arith_puzzle.training import rejection
from arith_puzzle.training.recipe import SHAPE, check_hardware, check_trainer_keys, load_recipe
from arith_puzzle.training.tiny import build_tokenizer, init_config
from tests.paths import ROOT

RECIPES = {path.name: path for path in sorted((ROOT / "training" / "recipes").glob("*.yaml"))}
ARITH_TINY = LlamaConfig(vocab_size=21, hidden_size=160, intermediate_size=480, num_hidden_layers=4,
                         num_attention_heads=5, tie_word_embeddings=True)  # fmt: skip
BASES = {
    "runs/lever-base": (ARITH_TINY, 1_336_000),
    "runs/lever-curriculum-1": (ARITH_TINY, 1_336_000),
    "openlm-research/open_llama_3b": (
        LlamaConfig(vocab_size=32000, hidden_size=3200, intermediate_size=8640, num_hidden_layers=26,
                    num_attention_heads=32), 3_426_473_600),
    "runs/smollm2-135m": (
        LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
                    num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True), 134_515_008),
    "HuggingFaceTB/SmolLM2-1.7B": (
        LlamaConfig(vocab_size=49152, hidden_size=2048, intermediate_size=8192, num_hidden_layers=24,
                    num_attention_heads=32, tie_word_embeddings=True), 1_711_376_384),
    "meta-llama/Llama-2-7b-hf": (
        LlamaConfig(vocab_size=32000, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32,
                    num_attention_heads=32), 6_738_415_616),
    "meta-llama/Llama-2-13b-hf": (
        LlamaConfig(vocab_size=32000, hidden_size=5120, intermediate_size=13824, num_hidden_layers=40,
                    num_attention_heads=40), 13_015_864_320),
    "mistralai/Mistral-7B-v0.3": (
        MistralConfig(vocab_size=32768, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
                      num_attention_heads=32, num_key_value_heads=8), 7_248_023_552),
    "Qwen/Qwen2.5-0.5B-Instruct": (
        Qwen2Config(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
                    num_attention_heads=14, num_key_value_heads=2, tie_word_embeddings=True), 494_032_768),
    "Qwen/Qwen2.5-1.5B-Instruct": (
        Qwen2Config(vocab_size=151936, hidden_size=1536, intermediate_size=8960, num_hidden_layers=28,
                    num_attention_heads=12, num_key_value_heads=2, tie_word_embeddings=True), 1_543_714_304),
    "Qwen/Qwen2.5-72B": (
        Qwen2Config(vocab_size=152064, hidden_size=8192, intermediate_size=29568, num_hidden_layers=80,
                    num_attention_heads=64, num_key_value_heads=8), 72_706_203_648),
}  # fmt: skip
"""Architecture and number of parameters of the bases outside the checkout, as their repos publish them."""


def config_of(recipe):
    if recipe.model.shape:
        return init_config(recipe.model.shape, build_tokenizer(pairs=recipe.model.tokenizer == "pairs"))
    return BASES[recipe.model.base][0] if recipe.model.base in BASES else AutoConfig.from_pretrained(recipe.base_path)


@pytest.fixture(scope="module", params=RECIPES)
def on_meta(request):
    """(a recipe, its model on the meta device, with the adapter if the recipe has one)."""
    recipe = load_recipe(RECIPES[request.param])
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config_of(recipe), dtype=torch.bfloat16)
        if recipe.lora:
            model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **asdict(recipe.lora)))
    return recipe, model


def sizes(model):
    """(number of the base's parameters, number of trained parameters)."""
    base = sum(p.numel() for name, p in model.named_parameters() if "lora_" not in name)
    return base, sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_the_adapter_takes_every_linear_layer_and_no_other(on_meta):
    recipe, model = on_meta
    config = model.config
    base, trained = sizes(model)
    if recipe.model.base in BASES:
        assert base == BASES[recipe.model.base][1]
    if recipe.lora is None:
        assert trained == base
        return
    hidden, inner, heads = config.hidden_size, config.intermediate_size, config.num_attention_heads
    key = hidden // heads * (config.num_key_value_heads or heads)
    ends = [(hidden, hidden), (hidden, key), (hidden, key), (hidden, hidden), *[(hidden, inner)] * 3]
    per_layer = sum(recipe.lora.r * (one + two) for one, two in ends)
    assert trained == per_layer * config.num_hidden_layers
    assert not [name for name, p in model.named_parameters() if p.requires_grad and "lora_" not in name]


def memory(recipe, model) -> float:
    """An upper estimate of the bytes on one GPU.

    - A frozen weight takes 2 bytes, or 4.127 bits in a quantized linear layer (QLoRA, arXiv 2305.14314, section 3).
    - A trained weight takes 16 bytes: the weight, its gradient and Adam's two moments in float32. They are sharded if
      all parameters of a base are trained on several GPUs.
    - Activations of T tokens are in 16 bits. A layer of hidden size h and inner size i takes 2 T (8 h + 4 i) bytes. If
      activations are computed twice, each layer takes 2 T h bytes, and one of them at a time the full amount.
    - Packed sequences of length S need a mask of 2 T S bytes.
    - Logits take 10 bytes for each token and entry of the vocabulary.
    - With vLLM on the same GPU, its share. A prompt in English has at most 200 tokens.
    """
    config, (base, trained) = model.config, sizes(model)
    embeddings = config.vocab_size * config.hidden_size * (1 if config.tie_word_embeddings else 2)
    # a row of 1m has at most 93 characters, one token each, bos and eos; MuggleMath's authors cut rows at 512 tokens
    longest = 512 if recipe.dataset.format == "alpaca" else 100
    if recipe.grpo:
        longest = 200 + recipe.grpo["max_completion_length"]
    tokens = recipe.trainer["per_device_train_batch_size"] * (recipe.pack or longest)
    frozen = 0.0
    if recipe.lora:
        linear = base - embeddings
        frozen = 2 * embeddings + linear * (4.127 / 8 if recipe.model.quantization else 2)
    layer = 2 * tokens * (8 * config.hidden_size + 4 * config.intermediate_size)
    layers = config.num_hidden_layers
    twice = recipe.trainer["activation_checkpointing"]
    kept = layer + layers * 2 * tokens * config.hidden_size if twice else layers * layer
    mask = 2 * tokens * (recipe.pack or 0)
    shards = 1 if recipe.lora else recipe.needs.gpus
    vllm = recipe.trainer.get("vllm_gpu_memory_utilization", 0) * 1e9 * recipe.needs.gpu_memory_gb
    return frozen + 16 * trained / shards + kept + mask + 10 * tokens * config.vocab_size + vllm


def test_it_fits_the_memory_that_it_asks_for(on_meta):
    recipe, model = on_meta
    on_cpu = not recipe.trainer["bf16"] or recipe.trainer.get("use_cpu", False)
    assert (recipe.needs is None) == on_cpu, "a recipe for a CPU needs bf16: false or use_cpu: true"
    if recipe.needs:  # a fifth is for CUDA and for fragmented memory
        assert memory(recipe, model) < 0.8e9 * recipe.needs.gpu_memory_gb, f"{memory(recipe, model) / 1e9:.1f} GB"


@pytest.mark.parametrize("name", RECIPES)
def test_trl_takes_every_setting(name, tmp_path):
    recipe = load_recipe(RECIPES[name])
    kind = SFTConfig if recipe.grpo is None else GRPOConfig
    check_trainer_keys(recipe, [item.name for item in fields(kind)])
    # without use_cpu, a machine without a GPU refuses bf16 first
    config = kind(output_dir=str(tmp_path), **recipe.trainer | {"report_to": "none", "use_cpu": True})
    assert all(getattr(config, key) == value for key, value in recipe.trainer.items() if key != "report_to")
    text = RECIPES[name].read_text()
    assert text.startswith("# ") and "Cost" in text, "a recipe says what it is and what it costs"


@pytest.mark.parametrize("name", RECIPES)
def test_its_data_is_what_build_makes(name):
    recipe = load_recipe(RECIPES[name])
    if recipe.dataset and recipe.dataset.format == "alpaca":
        assert (recipe.dataset.config, recipe.dataset.split) == (ALL, "train")
    elif recipe.dataset and recipe.dataset.config == rejection.CONFIG:
        assert recipe.dataset.split == "train" and f"--out {recipe.dataset.path}\n" in RECIPES[name].read_text()
    elif recipe.dataset:
        name, _, solutions = recipe.dataset.config.partition("-")
        config = with_solutions(CONFIGS[name], solutions or None)
        assert recipe.dataset.split in config.splits and set(recipe.score.splits) <= set(config.splits)
    names = [load_recipe(path).name for path in RECIPES.values()]
    assert len(set(names)) == len(names), "two runs would share a folder"


def test_the_papers_recipe_is_the_papers():
    recipe = load_recipe(RECIPES["paper_openllama3b.yaml"])
    assert recipe.model.base == "openlm-research/open_llama_3b" and recipe.model.tokenizer == "slow"
    assert (recipe.lora.r, recipe.lora.lora_alpha, recipe.lora.lora_dropout) == (5, 32, 0.05)
    paper = {"learning_rate": 1e-4, "lr_scheduler_type": "cosine", "adam_beta1": 0.9, "adam_beta2": 0.95,
             "adam_epsilon": 1e-9, "per_device_train_batch_size": 50}  # fmt: skip
    assert paper.items() <= recipe.sft.items() and recipe.sft["num_train_epochs"] <= 5 and recipe.pack is None
    digests = set()
    for config in ("1m", "10m", "100m"):  # the only change
        digests.add(replace(recipe, dataset=replace(recipe.dataset, config=config)).digest)
    assert len(digests) == 3


@pytest.mark.parametrize("size", ["7b", "13b"])
def test_mugglemath_is_trained_by_its_authors_commands(size):
    """train_7b.sh and train_13b.sh of OFA-Sys/gsm8k-ScRel; the 3 epochs are from the commands in its README."""
    recipe = load_recipe(RECIPES[f"mugglemath_{size}.yaml"])
    assert recipe.model.base == f"meta-llama/Llama-2-{size}-hf" and recipe.lora is None and recipe.pack is None
    theirs = {"learning_rate": 2e-5, "lr_scheduler_type": "cosine", "warmup_steps": 0.03, "weight_decay": 0.0,
              "bf16": True, "num_train_epochs": 3, "optim": "adamw_torch"}  # fmt: skip
    assert theirs.items() <= recipe.sft.items()
    batch = recipe.sft["per_device_train_batch_size"] * recipe.sft["gradient_accumulation_steps"]
    assert recipe.needs.gpus == 8 and 8 * batch == 128 and recipe.dataset.format == "alpaca"


def gpus(monkeypatch, count, memory_gb=80, bf16=True):
    """Let check_hardware see a machine with ``count`` GPUs."""
    card = SimpleNamespace(name="Test GPU", total_memory=int(memory_gb * 1e9))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)


@pytest.mark.parametrize("name", RECIPES)
def test_it_starts_where_it_was_written_for_and_nowhere_less(name, monkeypatch):
    recipe = load_recipe(RECIPES[name])
    gpus(monkeypatch, 0)
    if recipe.needs is None:
        monkeypatch.setenv("WORLD_SIZE", str(recipe.processes or 1))
        return check_hardware(recipe)
    with pytest.raises(InputError, match=r"needs \d GPUs? of \d+ GB and this machine has none; take training/recipes/"):
        check_hardware(recipe)
    gpus(monkeypatch, recipe.needs.gpus, recipe.needs.gpu_memory_gb)
    if recipe.needs.gpus > 1:
        with pytest.raises(InputError, match=r"and this run has 1 process, .* start it by accelerate launch"):
            check_hardware(recipe)
    monkeypatch.setenv("WORLD_SIZE", str(recipe.needs.gpus))
    check_hardware(recipe)
    gpus(monkeypatch, recipe.needs.gpus, recipe.needs.gpu_memory_gb - 1)
    with pytest.raises(InputError, match=rf"and Test GPU has {recipe.needs.gpu_memory_gb - 1} GB"):
        check_hardware(recipe)
    gpus(monkeypatch, recipe.needs.gpus, bf16=False)
    with pytest.raises(InputError, match=r"bf16, and Test GPU has no bf16; set (sft|grpo)\.bf16: false"):
        check_hardware(recipe)


def test_gpus_of_all_machines_count(monkeypatch):
    recipe = load_recipe(RECIPES["mistral_7b.yaml"])
    recipe = replace(recipe, needs=replace(recipe.needs, gpus=16))
    gpus(monkeypatch, 8)
    with pytest.raises(InputError, match="needs 16 GPUs of 40 GB and this run has 8"):
        check_hardware(recipe)
    monkeypatch.setenv("WORLD_SIZE", "16")
    check_hardware(recipe)


def test_bf16_without_a_gpu_is_said_in_one_line(monkeypatch):
    recipe = load_recipe(RECIPES["tiny_cpu.yaml"])
    gpus(monkeypatch, 0)
    for sft in ({"bf16": True}, {}):  # TRL's default
        with pytest.raises(InputError, match=r"this machine has none; set (sft|grpo)\.bf16: false"):
            check_hardware(replace(recipe, sft=sft))
    check_hardware(replace(recipe, sft={"bf16": True, "use_cpu": True}))


def test_the_shape_of_a_recipe_is_all_of_it():
    assert set(load_recipe(RECIPES["tiny_base.yaml"]).model.shape) == set(SHAPE)
