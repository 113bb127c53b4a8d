"""The vLLM backend. A stand-in with the signatures of vLLM's offline API shows that every call is a documented one.

The stand-in generates with transformers. One slow test uses vLLM itself, if it is installed and there is a GPU.
"""

import importlib.machinery
import json
import sys
import types
from dataclasses import dataclass, field

import pytest
import torch

from arith_puzzle.evaluation.inference import Decoding, generate, load
from arith_puzzle.evaluation.score import score

CALLS = []


@dataclass
class SamplingParams:
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    max_tokens: int | None = 16
    stop: str | list[str] | None = None
    stop_token_ids: list[int] = field(default_factory=list)


@dataclass
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str = ""


class LLM:
    def __init__(self, model, *, revision=None, dtype="auto", enable_lora=False, max_lora_rank=16):
        assert dtype == "float32" and max_lora_rank in (1, 8, 16, 32, 64, 128, 256, 320, 512)
        self.model, self.enable_lora = model, enable_lora
        self.llm_engine = types.SimpleNamespace(model_config=types.SimpleNamespace(max_model_len=256))

    def generate(self, prompts, sampling_params=None, *, use_tqdm=True, lora_request=None):
        assert len(prompts) == len(sampling_params) and self.enable_lora == (lora_request is not None)
        CALLS.append(sampling_params)
        model, tokenizer = load(self.model, adapter=lora_request and lora_request.lora_path)
        outputs = []
        for prompt, wanted in zip(prompts, sampling_params, strict=True):
            assert set(prompt) == {"prompt_token_ids"} and tokenizer.eos_token_id in wanted.stop_token_ids
            decoding = Decoding(wanted.max_tokens, wanted.temperature or None, wanted.top_p, wanted.stop)
            text = generate(model, tokenizer, [prompt["prompt_token_ids"]], decoding, seed=wanted.seed)[0].text
            ids = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
            outputs.append(types.SimpleNamespace(outputs=[types.SimpleNamespace(token_ids=tuple(ids), text=text)]))
        return outputs


@pytest.fixture
def stand_in(monkeypatch):
    module, lora, request = (types.ModuleType(name) for name in ("vllm", "vllm.lora", "vllm.lora.request"))
    module.LLM, module.SamplingParams, request.LoRARequest, module.__version__ = LLM, SamplingParams, LoRARequest, "0"
    for each in (module, lora, request):
        each.__spec__ = importlib.machinery.ModuleSpec(each.__name__, None)
        monkeypatch.setitem(sys.modules, each.__name__, each)
    monkeypatch.setattr("arith_puzzle.evaluation.score.version", lambda name: "0")
    CALLS.clear()


def texts(out, split="test"):
    rows = map(json.loads, (out / f"generations-{split}.jsonl").read_text().splitlines())
    return [row.get("response", row.get("responses")) for row in rows]


def test_a_call_is_one_that_vllm_documents(stand_in, learned, adapted, starter, tmp_path):
    for name, adapter in (("base", None), ("adapter", str(adapted))):
        for backend in ("vllm", "transformers"):
            results = score(str(learned), adapter, str(starter[0]), "starter", ["test"], tmp_path / name / backend,
                            backend=backend, limit=8, max_new_tokens=30)  # fmt: skip
            assert results["decoding"]["backend"] == backend and ("vllm" in results["versions"]) == (backend == "vllm")
        assert texts(tmp_path / name / "vllm") == texts(tmp_path / name / "transformers")
    assert texts(tmp_path / "base" / "vllm") != texts(tmp_path / "adapter" / "vllm")
    assert {each.temperature for each in CALLS[0]} == {0.0} and {each.seed for each in CALLS[0]} == {None}


def test_every_sample_has_a_seed_of_its_own(stand_in, learned, starter, tmp_path):
    score(str(learned), None, str(starter[0]), "starter", ["test"], tmp_path, backend="vllm", limit=4, samples=3,
          temperature=0.7, top_p=0.9, shots=1, max_new_tokens=12, batch_size=6)  # fmt: skip
    asked = [each for call in CALLS for each in call]
    assert [len(call) for call in CALLS] == [6, 6] and len({each.seed for each in asked}) == 12
    assert {(each.temperature, each.top_p, each.stop, each.max_tokens) for each in asked} == {(0.7, 0.9, "\n\n", 12)}


@pytest.mark.slow
def test_vllm_itself(learned, starter, tmp_path):
    pytest.importorskip("vllm")
    if not torch.cuda.is_available():
        pytest.skip("vLLM needs a GPU here")
    results = score(str(learned), None, str(starter[0]), "starter", ["test"], tmp_path, backend="vllm", dtype="fp32",
                    limit=50, max_new_tokens=30)  # fmt: skip
    model, tokenizer = load(str(learned), device="cuda", dtype="fp32")
    rows = [json.loads(line) for line in (tmp_path / "generations-test.jsonl").read_text().splitlines()]
    ids = tokenizer([f"{','.join(map(str, r['numbers']))}:{r['target']}\n" for r in rows])["input_ids"]
    same = [a.text == r["response"] for a, r in zip(generate(model, tokenizer, ids, Decoding(30)), rows, strict=True)]
    assert results["splits"]["test"]["n"] == 50 and sum(same) >= 48, "rounding may turn a near tie"
