"""Training by a chat template: with real tokenizers, from rows of one's own to scores, a merged model and the demo."""

import json
import shutil
import sys

import pytest
import torch
import yaml
from transformers import AutoTokenizer

from arith_puzzle.common.chat import Chat, end_of_turn
from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.inference import load, stop_ids
from arith_puzzle.evaluation.merge import merge_adapter
from arith_puzzle.evaluation.score import score
from arith_puzzle.training.data.token_cache import token_cache
from arith_puzzle.training.models import load_model
from arith_puzzle.training.recipe import load_recipe
from arith_puzzle.training.sft import train
from tests.fixtures.models import CPU
from tests.fixtures.real_tokenizers import CHAT_FAMILIES
from tests.paths import ROOT

SYSTEM = "You solve puzzles.\nAnswer with equations."
NO_THINKING = {"enable_thinking": False}
COMPLETION = "3*4=12"


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A dataset of one's own: a card and two JSONL files, and always the same answer."""
    folder = tmp_path_factory.mktemp("own") / "my data"
    folder.mkdir()
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: mine\n  data_files:\n"
        "  - {split: train, path: train.jsonl}\n  - {split: test, path: test.jsonl}\n---\n"
    )
    row = {"numbers": [3, 4], "target": 12, "prompt": "3,4:12\n", "completion": COMPLETION}
    for name, count in (("train", 64), ("test", 3)):
        (folder / f"{name}.jsonl").write_text(f"{json.dumps(row)}\n" * count)
    return folder


TURNS = (
    "{% for m in messages %}<{{ 'user' if m.role == 'system' else m.role }}>{{ m.content }}<eos>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
DATED = (
    "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "<user>{{ date_string }}" + TURNS
)
"""As Llama 3.2's."""


def write_recipe(folder, base, **changes):
    recipe = {
        "name": "chat",
        "model": {"base": str(base)},
        "dataset": {"config": "mine", "format": "natural"},
        "chat": {"system": SYSTEM},
        "lora": {"r": 4, "use_dora": True, "use_rslora": True, "modules_to_save": ["embed_tokens", "lm_head"]},
        "sft": CPU
        | {"max_steps": 30, "per_device_train_batch_size": 4, "learning_rate": 3.0e-2, "lr_scheduler_type": "constant"},
        "score": {"format": "natural"},
    }
    path = folder / "chat.yaml"
    path.write_text(yaml.safe_dump(recipe | changes))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("family", CHAT_FAMILIES)
def test_what_is_trained_by_the_template_is_asked_by_it_and_stops(real_base, rows, tmp_path, family):
    """The model learns an answer by heart, and writes it and nothing more: scored, merged and in the demo."""
    kwargs = NO_THINKING if family == "qwen3" else {}
    chat = {"system": SYSTEM, "template_kwargs": kwargs}
    recipe = load_recipe(write_recipe(tmp_path, real_base(family), chat=chat))
    _, tokenizer = load_model(recipe)
    ids, prompt = token_cache(recipe, tokenizer, str(rows))[0]
    messages = [{"role": "system", "content": SYSTEM}]
    messages += [{"role": "user", "content": Chat().messages(_question())[0]["content"]}]
    asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **kwargs)
    whole = tokenizer.apply_chat_template(
        [*messages, {"role": "assistant", "content": COMPLETION}], tokenize=False, **kwargs
    )  # fmt: skip
    assert tokenizer.decode(ids[:prompt]) == asked
    assert tokenizer.decode(ids[prompt:]) == COMPLETION + tokenizer.eos_token
    assert whole.startswith(tokenizer.decode(ids)), "the template's own text of the whole conversation"

    run = train(recipe, tmp_path / "run", dataset=str(rows))
    options = {"prompt_format": "natural", "chat": Chat(SYSTEM, kwargs), "max_new_tokens": 20}
    results = score(None, str(run), str(rows), "mine", ["test"], tmp_path / "score", **options)
    lines = [json.loads(line) for line in (tmp_path / "score" / "generations-test.jsonl").read_text().splitlines()]
    assert [line["response"] for line in lines] == [COMPLETION] * 3
    assert [line["new_tokens"] for line in lines] == [len(ids) - prompt] * 3
    assert results["splits"]["test"]["pass@1"] == 1 and results["decoding"]["system"] == SYSTEM
    assert "--chat --system 'You solve puzzles." in results["command"]

    merge_adapter(str(run), tmp_path / "merged")  # it compares the logits
    assert _demo_answer(run, monkeypatch=pytest.MonkeyPatch()) == COMPLETION


def _question():
    from arith_puzzle.dataset_builder.puzzle import natural_prompt

    return natural_prompt([3, 4], 12)


def _demo_answer(run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "spaces" / "arith_puzzle_demo"))
        before = set(sys.modules)
        from model import Model

        model = Model(str(run), form=None)
        model.load()
        answer = list(model.stream(_question(), 1))[-1]
        for name in set(sys.modules) - before:
            if not name.startswith(("arith_puzzle", "torch", "transformers")):
                del sys.modules[name]
    return answer


@pytest.mark.slow
def test_qwen_writes_an_empty_thought_unless_it_is_told_not_to(real_base, tmp_path):
    with pytest.raises(InputError, match=r"<think>.*set chat\.template_kwargs: \{enable_thinking: false\}"):
        load_model(load_recipe(write_recipe(tmp_path, real_base("qwen3"))))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "has no chat template"),
        ("{% for m in messages %}<user>{{ m.content }}<eos>{% endfor %}", "not the prompt"),
        (
            "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}",
            "refuses the conversation: no system; leave out the system prompt",
        ),
        (
            "{% for m in messages %}<{{ 'user' if m.role == 'system' else m.role }}>{{ m.content }}.{% endfor %}"
            "{% if add_generation_prompt %}<assistant>{% endif %}",
            "ends an answer without a special token",
        ),
        (TURNS.replace("messages", "messages if m.role != 'user'", 1), "drops the user's turn"),
        (
            TURNS.replace("messages", "messages if m.role != 'system'", 1),
            "drops the system's turn; leave out the system prompt",
        ),
        ("{{ strftime_now('%d %b %Y') }}" + TURNS, "writes today's date.*; remove strftime_now from the template"),
        (DATED, r"writes today's date.*; set chat\.template_kwargs: \{date_string: 26 Jul 2024\}"),
    ],
)
def test_a_template_that_cannot_train_is_refused_before_anything_is_trained(talker, rows, tmp_path, template, said):
    tokenizer = AutoTokenizer.from_pretrained(talker)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(tmp_path / "base")
    load(str(talker))[0].save_pretrained(tmp_path / "base")
    if template is None:
        (tmp_path / "base" / "chat_template.jinja").unlink(missing_ok=True)
    recipe = load_recipe(write_recipe(tmp_path, tmp_path / "base"))
    with pytest.raises(InputError, match=said) as caught:
        train(recipe, tmp_path / "run", dataset=str(rows))
    assert "\n" not in str(caught.value) and not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset": {"format": "symbolic"}}, "'chat' needs questions in English; set dataset.format: natural or"),
        ({"drills": {"rows": 10}}, "'chat' needs a 'model.base' with a chat template"),
        ({"chat": {"sytem": "x"}}, "unknown key 'chat.sytem'; did you mean 'chat.system'"),
        ({"sft": {"eos_token": "x"}}, "sft.eos_token is not set in a recipe; it is set by the recipe's model"),
        ({"sft": {"max_length": 10}}, "sft.max_length is not set in a recipe"),
    ],
)  # fmt: skip
def test_sections_that_contradict_chat_are_refused(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        load_recipe(write_recipe(tmp_path, "nowhere", **changes))


@pytest.mark.slow
def test_an_answer_ends_by_the_tokenizers_own_special_token(real_base, rows, tmp_path):
    """Without a chat too: ``model.eos_token`` is what is trained, saved and stopped at."""
    base = real_base("smollm2")
    plain = AutoTokenizer.from_pretrained(base)
    assert plain.eos_token == "<|im_end|>" and end_of_turn(plain) == plain.eos_token_id
    changes = {"chat": None, "lora": {"r": 2}, "dataset": {"config": "mine"}, "score": {},
               "sft": CPU | {"max_steps": 1}}  # fmt: skip
    recipe = load_recipe(write_recipe(tmp_path, base, model={"base": str(base), "eos_token": "<file_sep>"}, **changes))
    _, tokenizer = load_model(recipe)
    ids, _ = token_cache(recipe, tokenizer, str(rows))[0]
    assert tokenizer.decode(ids[-1:]) == "<file_sep>"
    run = train(recipe, tmp_path / "run", dataset=str(rows))
    loaded, saved = load(adapter=str(run))
    assert saved.eos_token == "<file_sep>"
    assert set(loaded.generation_config.eos_token_id) >= {saved.eos_token_id, plain.eos_token_id}
    wrong = load_recipe(write_recipe(tmp_path, base, model={"base": str(base), "eos_token": "nope"}, **changes))
    with pytest.raises(InputError, match=r"'nope' is not a special token of the base .* which has '<\|endoftext\|>'"):
        load_model(wrong)


def test_a_date_that_is_given_is_the_only_one_and_an_unused_date_is_none(talker, tmp_path):
    """A date in YAML is text. Mistral's template takes the date, and writes it only where there is no system turn."""
    tokenizer = AutoTokenizer.from_pretrained(talker)
    tokenizer.chat_template = DATED
    path = write_recipe(tmp_path, talker, chat={"template_kwargs": {"date_string": "DATE"}})
    path.write_text(path.read_text().replace("DATE", "2024-07-26"))
    chat = load_recipe(path).chat
    chat.check(tokenizer)
    assert chat.prompt(tokenizer, "3?") == "<user>2024-07-26<user>3?<eos><assistant>"
    assert end_of_turn(tokenizer) == tokenizer.eos_token_id
    tokenizer.chat_template = "{% set today = strftime_now('%Y') %}" + TURNS
    Chat().check(tokenizer)


def test_scoring_refuses_a_template_that_drops_the_question(talker, rows, tmp_path):
    base = shutil.copytree(talker, tmp_path / "base")
    (base / "chat_template.jinja").write_text(TURNS.replace("messages", "messages if m.role != 'user'", 1))
    with pytest.raises(InputError, match="drops the user's turn"):
        score(str(base), None, str(rows), "mine", ["test"], tmp_path / "s", prompt_format="natural", chat=Chat())


def test_the_end_of_a_turn_stops_an_answer_although_eos_is_another_token(talker):
    tokenizer = AutoTokenizer.from_pretrained(talker)
    tokenizer.eos_token = "<pad>"
    tokenizer.chat_template = tokenizer.chat_template.replace("{{ eos_token }}", "<eos>")
    assert stop_ids(tokenizer) == sorted(tokenizer.convert_tokens_to_ids(["<pad>", "<eos>"]))


def test_a_completion_that_contains_the_end_is_refused(real_base, rows, tmp_path):
    (tmp_path / "broken").mkdir()
    for path in rows.iterdir():
        (tmp_path / "broken" / path.name).write_text(path.read_text().replace("3*4", "<|im_end|>3*4"))
    recipe = load_recipe(write_recipe(tmp_path, real_base("smollm2")))
    with pytest.raises(InputError, match=r"contains '<\|im_end\|>', which ends an answer"):
        token_cache(recipe, load_model(recipe)[1], str(tmp_path / "broken"))


def test_dora_and_rslora_are_pefts(small_base, starter, tmp_path):
    """adapter_config.json has them under PEFT's names, DoRA's magnitudes are trained, and merging keeps the logits."""
    changes = {"dataset": {"rows": 64}, "chat": None, "score": {}, "sft": CPU | {"max_steps": 3},
               "lora": {"r": 4, "use_dora": True, "use_rslora": True}}  # fmt: skip
    run = train(load_recipe(write_recipe(tmp_path, small_base, **changes)), tmp_path / "run", dataset=str(starter[0]))
    config = json.loads((run / "adapter_config.json").read_text())
    assert config["use_dora"] and config["use_rslora"]
    model, _ = load(adapter=str(run))
    magnitudes = [value for name, value in model.named_parameters() if "magnitude" in name]
    base, _ = load(str(small_base))
    norms = [module.weight.norm(dim=1) for module in base.modules() if isinstance(module, torch.nn.Linear)]
    assert len(magnitudes) == len(norms) - 1  # not of the output layer
    assert any(not torch.allclose(each.flatten(), norm) for each, norm in zip(magnitudes, norms, strict=False))
    merge_adapter(str(run), tmp_path / "merged")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("embed_tokens", r"lora\.modules_to_save includes model\.embed_tokens, and the base uses its weights twice"),
        ("lm_head", r"lora\.modules_to_save includes lm_head, and the base uses its weights twice"),
        ("query", r"lora\.modules_to_save 'query' names no module of the base"),
        ("layers", "PEFT refuses the lora section: No modules were targeted"),
    ],
)
def test_modules_to_save_that_share_weights_or_are_not_there_are_refused(small_base, starter, tmp_path, module, said):
    changes = {"dataset": {"rows": 64}, "chat": None, "score": {}, "lora": {"r": 4, "modules_to_save": [module]}}
    with pytest.raises(InputError, match=said):
        train(load_recipe(write_recipe(tmp_path, small_base, **changes)), tmp_path / "run", dataset=str(starter[0]))
