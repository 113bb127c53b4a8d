"""How a model is asked when it is scored: every option, checked before anything is loaded, and written down."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.inference import DTYPES
from arith_puzzle.evaluation.tasks import DIVISION, TASKS

BACKENDS = ("transformers", "vllm")


@dataclass(frozen=True)
class Options:
    """Options of ``arith_puzzle.evaluation.score.score``; None takes the task's default.

    Args:
        samples: answers drawn for each row at ``temperature`` (default 1) and ``top_p`` (default 1); None is greedy.
        seed: of the samples and of the choice of examples. Samples are drawn in batches of ``batch_size`` that begin
            at fixed rows, each from a generator keyed by (seed, split, first row, place in the batch): so a run that
            goes on after a kill draws what it would have drawn, and another batch size draws others.
        k: the k of pass@k; none above ``samples``.
        shots: worked examples from train before each question; ``chain_of_thought``, ``chat``: see
            ``arith_puzzle.evaluation.prompting``.
        merge: the adapter is merged into the base before anything is generated.
        backend: one of BACKENDS. dtype: a key of DTYPES, or "auto": float32 on a CPU, on a GPU as the weights are
            stored.
        limit: only the first so many rows of each split.
    """

    task: str = "puzzle"
    prompt_format: str | None = None
    batch_size: int = 256
    max_new_tokens: int | None = None
    samples: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int = 0
    k: tuple[int, ...] = (1,)
    shots: int = 0
    chain_of_thought: bool = False
    chat: bool = False
    merge: bool = False
    backend: str = "transformers"
    dtype: str = "auto"
    limit: int | None = None

    def __post_init__(self):
        task = TASKS[self.task]
        self._default("prompt_format", task.formats[0])
        self._default("max_new_tokens", task.max_thinking_tokens if self.chain_of_thought else task.max_new_tokens)
        self._check_sampling()
        for name, least in (("batch_size", 1), ("max_new_tokens", 1), ("limit", 1), ("shots", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"--{name.replace('_', '-')} must be at least {least}, not {value}")
        if self.prompt_format not in task.formats:
            raise InputError(f"--format {self.prompt_format}: --task {self.task} has {', '.join(task.formats)}")
        if self.task != "puzzle" and self.chain_of_thought:
            raise InputError(
                f"--chain-of-thought: {self.task.upper()}'s own answers are chains of thought; leave it out"
            )
        others = self.task == "puzzle" and self.prompt_format not in ("symbolic", "natural")
        if others and (self.shots or self.chat or self.chain_of_thought):
            raise InputError(f"--format {self.prompt_format} is for models trained on it; leave out shots, chat and "
                             "chain of thought")  # fmt: skip
        if self.prompt_format == "symbolic" and self.chat:
            raise InputError("--chat asks in words; add --format natural")
        if self.prompt_format == "symbolic" and self.chain_of_thought and not self.shots:
            raise InputError("--chain-of-thought in symbols is shown by examples; add --shots, or --format natural")
        if self.merge and self.backend == "vllm":
            raise InputError("--merge: vLLM applies the adapter itself; leave it out, or take --backend transformers")

    def _default(self, name: str, value: object) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)

    def _check_sampling(self) -> None:
        for name in ("temperature", "top_p"):
            if self.samples is None and getattr(self, name) is not None:
                raise InputError(f"--{name.replace('_', '-')} goes with --samples; without it decoding is greedy")
        if self.samples is not None:
            self._default("temperature", 1.0)
            self._default("top_p", 1.0)
            if self.samples < 1:
                raise InputError(f"--samples must be at least 1, not {self.samples}")
            if not 0 < self.temperature < math.inf:
                raise InputError(
                    f"--temperature must be above 0, not {self.temperature}; leave out --samples for greedy"
                )
            if not 0 < self.top_p <= 1:
                raise InputError(f"--top-p must be above 0 and at most 1, not {self.top_p}")
        if self.task != "puzzle" and self.k != (1,):
            raise InputError(f"--k goes with puzzles; --task {self.task} reports all --samples at once")
        for each in self.k:
            if not 1 <= each <= self.draws:
                raise InputError(f"--k {each} must lie in 1..{self.draws}, the samples of a row; raise --samples")

    @property
    def draws(self) -> int:
        """Answers to each row."""
        return self.samples or 1

    def record(self, *, backend: str, dtype: str) -> dict:
        """What results.json says under "decoding"; backend and dtype as they turned out."""
        stated = {
            "format": self.prompt_format,
            "strategy": "sample" if self.samples else "greedy",
            "temperature": self.temperature,
            "top_p": self.top_p,
            "samples": self.draws,
            "seed": self.seed,
            "max_new_tokens": self.max_new_tokens,
            "batch_size": self.batch_size,
            "shots": self.shots,
            "chain_of_thought": self.chain_of_thought,
            "chat": self.chat,
            "merged": self.merge,
            "dtype": dtype,
            "backend": backend,
        }
        return stated | ({"division": DIVISION} if self.task == "puzzle" else {})


def command_line(results: dict, out: str) -> str:
    """The shell command that repeats ``results`` into the folder ``out``; every default is spelled out."""
    decoding, sampled = results["decoding"], results["decoding"]["strategy"] == "sample"
    values = {
        "--task": results["task"],
        "--model": results["model"],
        "--model-revision": results["model_revision"],
        "--adapter": results["adapter"],
        "--adapter-revision": results["adapter_revision"],
        "--dataset": results["dataset"],
        "--config": results["config"],
        "--split": list(results["splits"]),
        "--limit": results["limit"],
        "--format": decoding["format"],
        "--samples": decoding["samples"] if sampled else None,
        "--temperature": decoding["temperature"],
        "--top-p": decoding["top_p"],
        "--seed": decoding["seed"],
        "--k": results["k"] if results["k"] != [1] else None,
        "--shots": decoding["shots"],
        "--chain-of-thought": decoding["chain_of_thought"],
        "--chat": decoding["chat"],
        "--merge": decoding["merged"],
        "--max-new-tokens": decoding["max_new_tokens"],
        "--batch-size": decoding["batch_size"],
        "--dtype": decoding["dtype"],
        "--backend": decoding["backend"],
        "--out": out,
    }
    words = ["arith-puzzle", "score"]
    for flag, value in values.items():
        if value is None or value is False:
            continue
        for each in value if isinstance(value, list) else [value]:
            words += [flag] if each is True else [flag, str(each)]
    return shlex.join(words)


def resolve_dtype(wanted: str, model: str, revision: str | None, device: str) -> str:
    """The key of DTYPES that "auto" stands for.

    Raises:
        InputError: 16 bits on a CPU, or bfloat16 on a GPU without it.
    """
    import torch

    if device == "cpu":
        if wanted in ("bf16", "fp16"):
            raise InputError(f"--dtype {wanted} is for a GPU, and this machine has none that torch sees; take fp32")
        return "fp32"
    if wanted == "auto":
        from transformers import AutoConfig

        stored = AutoConfig.from_pretrained(model, revision=revision).dtype
        return next((name for name, dtype in DTYPES.items() if dtype == stored), "fp32")
    if wanted == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise InputError(f"--dtype bf16 is not for {torch.cuda.get_device_name()}; take fp32 or fp16")
    return wanted
