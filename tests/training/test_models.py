"""Bases and their tokenizers: each check before training accepts a correct tokenizer and refuses a wrong one."""

import json
import shutil
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import yaml
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import natural_prompt
from arith_puzzle.training.base_tokenizer import check_round_trip, load_tokenizer, set_pad_token
from arith_puzzle.training.data.token_cache import token_cache
from arith_puzzle.training.models import load_model, quantization_config
from arith_puzzle.training.recipe import load_recipe
from arith_puzzle.training.tiny import build_tokenizer, init_model

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def recipe_of(folder, model, **sections):
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "t", "dataset": {"rows": 8}, "model": model, **sections}))
    return load_recipe(path)


@pytest.fixture(scope="module")
def llama_like(tmp_path_factory):
    """A base like OpenLLaMA: only a sentencepiece tokenizer.model (BPE, byte fallback, one token a digit)."""
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = tmp_path_factory.mktemp("llama-like")
    words = [natural_prompt([3 + i % 50, 7, 58], i % 60).replace("\n", " ") for i in range(300)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words), model_prefix=str(folder / "tokenizer"), model_type="bpe", vocab_size=400,
        byte_fallback=True, split_digits=True, character_coverage=1.0, normalization_rule_name="identity",
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2,
    )  # fmt: skip
    config = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"add_bos_token": True}))
    LlamaForCausalLM(LlamaConfig(vocab_size=400, **SHAPE)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def wrongly_converted(llama_like, tmp_path_factory):
    """The same base with a tokenizer.json as transformers 4.30 wrote it: without the merge of score 0 (issue 24233)."""
    from sentencepiece import SentencePieceProcessor

    folder = tmp_path_factory.mktemp("wrong") / "base"
    shutil.copytree(llama_like, folder)
    pieces = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    state = json.loads(AutoTokenizer.from_pretrained(llama_like).backend_tokenizer.to_str())
    merges = state["model"]["merges"]
    state["model"]["merges"] = [pair for pair in merges if pieces.get_score(pieces.piece_to_id("".join(pair))) != 0]
    assert len(state["model"]["merges"]) == len(merges) - 1
    (folder / "tokenizer.json").write_text(json.dumps(state))
    return folder


@pytest.mark.parametrize("text_format", ["symbolic", "natural"])
def test_a_converted_tokenizer_passes_where_it_reads_as_sentencepiece_does(llama_like, text_format):
    tokenizer = load_tokenizer(str(llama_like), text_format=text_format)
    text = "3,6,7,51,58:4\n58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
    assert tokenizer.pad_token == "<unk>" and tokenizer.pad_token_id != tokenizer.eos_token_id


def test_a_wrongly_converted_tokenizer_is_refused_and_slow_repairs_it(wrongly_converted, tmp_path):
    text = natural_prompt([3, 7, 58], 4)
    wrong = AutoTokenizer.from_pretrained(wrongly_converted)
    assert wrong.decode(wrong(text)["input_ids"], skip_special_tokens=True) == text, "decoding alone does not show it"
    with pytest.raises(InputError, match=r"converted wrongly.*set model\.tokenizer: slow") as caught:
        load_tokenizer(str(wrongly_converted), text_format="natural")
    assert "\n" not in str(caught.value)
    right = load_tokenizer(str(wrongly_converted), text_format="natural", slow=True)
    assert len(right(text)["input_ids"]) < len(wrong(text)["input_ids"])
    right.save_pretrained(tmp_path)  # as in the folder of an adapter, where every client reads it correctly
    assert AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"] == right(text)["input_ids"]


def test_slow_needs_a_sentencepiece_model_and_sentencepiece(small_base, llama_like, monkeypatch):
    with pytest.raises(InputError, match=r"tokenizer\.model, and .* has none; leave it out"):
        load_tokenizer(str(small_base), slow=True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install sentencepiece"):
        load_tokenizer(str(llama_like))


def _of_characters(characters="0123456789+-*/=,:\n", *, merges=(), unknown=None, **changes):
    """A tokenizer with one token for each character, changed as a test needs it."""
    vocab = {token: i for i, token in enumerate(["<pad>", "<bos>", "<eos>", *characters, *map("".join, merges)])}
    backend = Tokenizer(models.BPE(vocab, list(merges), unk_token=unknown, fuse_unk=True))
    backend.decoder = decoders.Fuse()
    for name, value in changes.items():
        setattr(backend, name, value)
    special = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


ENDS_WITH_EOS = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 2)])


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [
        (lambda: _of_characters("0123456789+-*=,:\n"), "does not round-trip: '/'"),
        (lambda: _of_characters(normalizer=normalizers.Strip()), "does not round-trip"),
        (lambda: _of_characters(decoder=decoders.WordPiece()), "does not round-trip"),
        (lambda: _of_characters(pre_tokenizer=pre_tokenizers.Digits()), None),
        (lambda: _of_characters(merges=[("\n", "5")]), "merges prompt and completion"),
        (lambda: _of_characters(post_processor=ENDS_WITH_EOS), "with eos; set its add_eos_token to false"),
    ],
    ids=["no-slash", "eats-newlines", "adds-spaces", "splits-digits", "merges-across", "ends-by-itself"],
)
def test_check_round_trip_tells_right_from_wrong(tokenizer, said):
    if said is None:
        return check_round_trip(tokenizer())
    with pytest.raises(InputError, match=said) as caught:
        check_round_trip(tokenizer())
    assert "\n" not in str(caught.value)


def test_pairs_of_digits_are_counted_from_a_numbers_end():
    tokenizer = build_tokenizer(pairs=True)
    for text_format in ("symbolic", "search"):
        check_round_trip(tokenizer, text_format=text_format)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("7,58,105,1058,12345:-9\n\n")["input_ids"])
    pairs = ["7", ",", "58", ",", "1", "05", ",", "10", "58", ",", "1", "23", "45", ":", "-", "9", "\n", "\n"]
    assert tokens == ["<bos>", *pairs]
    assert len(tokenizer) == 121 and len(build_tokenizer()) == 21


def test_tokens_of_two_digits_start_as_fourier_number_embeddings():
    """Embeddings of numbers that differ by little, or by a period, are close. Single-digit tokenizers get none."""
    shape = {"hidden_size": 160, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
    tokenizer = build_tokenizer(pairs=True)
    weights = init_model(shape, tokenizer, 0).get_input_embeddings().weight.detach()
    vocab = tokenizer.get_vocab()
    rows = torch.stack([weights[vocab[f"{v:02}"]] for v in range(100)])
    near = torch.nn.functional.cosine_similarity(rows[40], rows, dim=1)
    assert near[60] > near[47] and near[90] > near[83] and near.argmax() == 40
    assert torch.nn.functional.cosine_similarity(weights[vocab["7"]], rows[7], dim=0) > 0.7
    assert weights[vocab["+"]].norm() < 0.4 < 0.5 < rows[0].norm()
    digits = init_model(shape, build_tokenizer(), 0).get_input_embeddings().weight
    assert digits.norm(dim=1).max() < 0.4


def test_a_sliding_window_makes_a_mistral_of_the_same_size():
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
    plain = init_model(shape, build_tokenizer(), 0)
    windowed = init_model(shape | {"sliding_window": 8}, build_tokenizer(), 0)
    assert (plain.config.model_type, windowed.config.model_type) == ("llama", "mistral")
    assert windowed.config.sliding_window == 8 and windowed.num_parameters() == plain.num_parameters()


def test_without_positional_embeddings_the_positions_change_nothing():
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    plain = init_model(shape, build_tokenizer(), 0)
    nope = init_model(shape | {"no_rope_layer_interval": 1}, build_tokenizer(), 0)
    assert nope.num_parameters() == plain.num_parameters() and nope.config.num_key_value_heads == 4
    ids = torch.tensor([[3, 4, 5, 6]])
    near, far = torch.arange(4)[None], torch.arange(4)[None] * 7
    for model, same in ((nope, True), (plain, False)):
        logits = [model(ids, position_ids=places).logits for places in (near, far)]
        assert torch.equal(*logits) == same


def test_a_tokenizer_without_letters_is_refused_for_natural_prompts():
    check_round_trip(build_tokenizer())
    with pytest.raises(InputError, match="cannot encode natural texts"):
        check_round_trip(build_tokenizer(), text_format="natural")


@pytest.mark.parametrize(
    ("special", "unknown", "chosen"),
    [
        (["<|endoftext|>", "<|fim_pad|>", "<|im_start|>"], None, "<|fim_pad|>"),  # as Qwen2.5
        (["<|endoftext|>", "</s>"], "<unk>", "<unk>"),  # as Llama 2, where eos is its last special token
        (["<|endoftext|>", "<|im_start|>", "<file_sep>"], "<|endoftext|>", "<file_sep>"),  # as SmolLM2
        (["<|endoftext|>"], None, "<pad>"),
    ],
)
def test_the_pad_token_is_never_eos(special, unknown, chosen):
    vocab = {token: i for i, token in enumerate([*dict.fromkeys([*special, *filter(None, [unknown])]), *"0123"])}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocab)), eos_token="<|endoftext|>", pad_token="<|endoftext|>",
        unk_token=unknown, additional_special_tokens=special[1:],
    )  # fmt: skip
    set_pad_token(tokenizer)
    assert tokenizer.pad_token == chosen and tokenizer.pad_token_id != tokenizer.eos_token_id
    assert (len(tokenizer) == len(vocab)) == (chosen in vocab), "a token is added only if no other is free"
    set_pad_token(tokenizer)
    assert tokenizer.pad_token == chosen


def test_an_added_pad_token_gets_an_embedding(small_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(small_base, base)
    tokenizer = _of_characters()
    tokenizer.pad_token = tokenizer.bos_token = "<eos>"
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] == "<eos>"]
    (base / "tokenizer.json").write_text(json.dumps(state))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>", "pad_token": "<eos>"}
    (base / "tokenizer_config.json").write_text(json.dumps(config))
    model, tokenizer = load_model(recipe_of(tmp_path, {"base": str(base)}))
    assert tokenizer.pad_token == "<pad>" and model.config.pad_token_id == tokenizer.pad_token_id
    assert model.get_input_embeddings().num_embeddings >= len(tokenizer)


def test_the_model_is_what_the_recipe_says(small_base, tmp_path):
    model = {"base": str(small_base), "dtype": "bfloat16", "attn_implementation": "eager"}
    loaded, tokenizer = load_model(recipe_of(tmp_path, model, lora={"r": 2}))
    assert loaded.dtype == torch.bfloat16 and loaded.config._attn_implementation == "eager"
    assert loaded.config.pad_token_id == tokenizer.pad_token_id != tokenizer.eos_token_id
    loaded.save_pretrained(tmp_path / "half")
    tokenizer.save_pretrained(tmp_path / "half")
    frozen, _ = load_model(recipe_of(tmp_path, {"base": str(tmp_path / "half")}, lora={"r": 2}))
    trained, _ = load_model(recipe_of(tmp_path, {"base": str(tmp_path / "half")}))
    assert (frozen.dtype, trained.dtype) == (torch.bfloat16, torch.float32), "trained weights are float32"
    scratch, _ = load_model(recipe_of(tmp_path, {"shape": SHAPE, "attn_implementation": "eager"}))
    assert scratch.config._attn_implementation == "eager" and scratch.config.hidden_size == 32


def test_pickled_weights_are_refused(small_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(small_base, base)
    (base / "model.safetensors").unlink()
    torch.save({"x": torch.zeros(1)}, base / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"no model\.safetensors.*pickled weights are never loaded") as caught:
        load_model(recipe_of(tmp_path, {"base": str(base)}))
    assert "\n" not in str(caught.value)


def test_a_base_that_wants_its_own_code_is_refused(small_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(small_base, base)
    config = json.loads((base / "config.json").read_text())
    marker = tmp_path / "ran"
    config |= {"model_type": "other", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    (base / "config.json").write_text(json.dumps(config))
    (base / "code.py").write_text(f"open({str(marker)!r}, 'w')\n")
    with pytest.raises(InputError, match=r"cannot load .*contains custom code"):
        load_model(recipe_of(tmp_path, {"base": str(base)}))
    assert not marker.exists()


def test_a_base_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="cannot load the base 'no/such-model'") as caught:
        load_model(recipe_of(tmp_path, {"base": "no/such-model"}))
    assert "\n" not in str(caught.value)


def test_quantization_is_qloras_and_says_what_to_install(small_base, tmp_path, monkeypatch):
    model = {"base": str(small_base), "dtype": "bfloat16", "quantization": "nf4"}
    recipe = recipe_of(tmp_path, model, lora={"r": 2})
    config = quantization_config(recipe)
    assert config.load_in_4bit and config.bnb_4bit_quant_type == "nf4" and config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == torch.bfloat16 == config.bnb_4bit_quant_storage
    monkeypatch.setattr("arith_puzzle.training.models.importlib.util", SimpleNamespace(find_spec=lambda name: None))
    with pytest.raises(InputError, match="run: pip install bitsandbytes"):
        load_model(recipe)


def test_trained_on_rows_with_eos_generation_stops(tmp_path):
    """A model that has memorized two rows ends each with eos, even if the longer one pads the shorter one."""
    model, tokenizer = load_model(recipe_of(tmp_path, {"shape": SHAPE}))
    rows = [("1,2:3\n", "1+2=3"), ("1,2,3:6\n", "3+2=5\n5+1=6")]
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    batches = []
    for prompt, completion in rows:
        ids = torch.tensor([[*tokenizer(prompt + completion)["input_ids"], tokenizer.eos_token_id]])
        labels = ids.clone()
        labels[:, : len(tokenizer(prompt)["input_ids"])] = -100
        batches.append({"input_ids": ids, "labels": labels})
    for _ in range(60):
        optimiser.zero_grad()
        sum(model(**batch).loss for batch in batches).backward()
        optimiser.step()
    encoded = tokenizer([prompt for prompt, _ in rows], return_tensors="pt", padding=True)
    output = model.eval().generate(**encoded, max_new_tokens=40, do_sample=False)[:, encoded["input_ids"].shape[1] :]
    assert tokenizer.batch_decode(output, skip_special_tokens=True) == [completion for _, completion in rows]
    assert output.shape[1] == len(rows[1][1]) + 1 and output[1, -1] == tokenizer.eos_token_id
    assert (output[0, len(rows[0][1]) + 1 :] == tokenizer.pad_token_id).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "family"),
    [("smollm2_1b7", "smollm2"), ("smollm2_135m_search_gpu", "smollm2"), ("mistral_7b", "mistral"),
     ("qwen2.5_72b_qlora", "qwen2.5"), ("mugglemath_7b", "llama-2")],
)  # fmt: skip
def test_the_larger_recipes_with_the_real_tokenizers(real_base, starter, tmp_path, recipe, family):
    """Rows come back from their ids, end by eos, and fit in the packed sequences."""
    recipe = load_recipe(recipe)
    path, section = str(starter[0]), recipe.dataset
    if section.format == "alpaca":
        path = tmp_path / "rows"
        path.mkdir()
        rows = [{"query": f"Ann has {n} pens and buys 3. How many?", "response": f"{n}+3={n + 3}\n#### {n + 3}"}
                for n in range(200)]  # fmt: skip
        (path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        section = replace(section, path=str(path), config="default")
    else:
        section = replace(section, config="starter")
    recipe = replace(recipe, drills=None, dataset=replace(section, rows=200),
                     model=replace(recipe.model, base=str(real_base(family)), revision=None))  # fmt: skip
    tokenizer = load_tokenizer(recipe.base_path, text_format=section.format)
    tokens = token_cache(recipe, tokenizer, str(path))
    assert len(tokens) == 200 and tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    assert tokens.lengths().max() <= (recipe.pack or 512)
    ids, prompt = tokens[0]
    text, answer = (tokenizer.decode(part, skip_special_tokens=True) for part in (ids[:prompt], ids))
    assert ids[-1] == tokenizer.eos_token_id and answer.startswith(text) and len(answer) > len(text)
    assert text.endswith("### Response:" if section.format == "alpaca" else "\n")


@pytest.mark.slow
def test_the_line_that_repairs_a_folder_with_a_sentencepiece_model_alone_can_be_pasted(real_base, tmp_path):
    base = tmp_path / "föl der's"
    shutil.copytree(real_base("mistral"), base)
    (base / "tokenizer_config.json").unlink()
    for slow in (False, True):
        with pytest.raises(InputError, match=r"was converted wrongly.*; name its class: ") as caught:
            load_tokenizer(str(base), slow=slow)
    line = str(caught.value).split("; name its class: ")[1]
    subprocess.run(["bash", "-c", line], check=True, cwd="/")
    for slow in (False, True):
        tokenizer = load_tokenizer(str(base), slow=slow)
        assert tokenizer("1")["input_ids"][0] == tokenizer.bos_token_id
