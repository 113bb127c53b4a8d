"""The options of ``arith-puzzle score``: defaults, checks before anything is loaded, and the record in results.json."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.decoding import Decoding
from arith_puzzle.evaluation.tasks import TASKS, Task

if TYPE_CHECKING:
    from arith_puzzle.common.endpoint import Endpoint, Limits

BACKENDS = ("transformers", "vllm")
ENDPOINT_TOKENS = 4096
"""Default limit of an answer from an endpoint, in tokens: chat models think at length."""
LEAST_TEMPERATURE = 0.001
"""Below it, logits divided by the temperature can be too large for float32."""


@dataclass(frozen=True)
class Options:
    """The options of ``arith_puzzle.evaluation.score.score``, checked. None means the task's default.

    Args:
        samples: the number of sampled answers for each row, drawn at ``temperature`` (default: 1) and ``top_p``
            (default: 1). None decodes greedily.
        seed: seed of the samples and of the choice of examples. The seed of a sample depends on this seed, the split
            and the sample's position, and a batch always begins at the same row. So a resumed run draws the same
            samples. Another batch size draws other samples.
        k: the values of k for pass@k; each at most ``samples``.
        shots: the number of worked examples from train before each question.
        chain_of_thought: see ``arith_puzzle.evaluation.prompting``. None: only for puzzles that an endpoint answers.
        chat: write prompts by the tokenizer's chat template. None: plain text.
        merge: merge the adapter into the base before answers are generated.
        backend: one of BACKENDS.
        dtype: a key of DTYPES, or "auto": float32 on a CPU, the type of the stored weights on a GPU.
        endpoint: the server that answers, in place of a backend. It is asked in chat, puzzles in the natural format.
        limits, price: of the endpoint; see ``arith_puzzle.common.endpoint``.
        gold: also measure the rows' own solutions; see ``arith_puzzle.evaluation.gold``.
        limit: score only this number of rows of each split, from its start.

    Raises:
        InputError: a value out of its range, or options that contradict each other.
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
    chain_of_thought: bool | None = None
    chat: Chat | None = None
    merge: bool = False
    backend: str = "transformers"
    dtype: str = "auto"
    limit: int | None = None
    endpoint: Endpoint | None = None
    limits: Limits | None = None
    gold: bool = False
    price: tuple[float, float] = (0, 0)

    def __post_init__(self) -> None:
        task = TASKS[self.task]
        puzzle = self.task == "puzzle"
        if self.endpoint:
            self._check_endpoint()
            self._default("prompt_format", "natural" if puzzle else None)
            self._default("chain_of_thought", puzzle)
            self._default("chat", Chat())
            self._default("max_new_tokens", ENDPOINT_TOKENS)
        self._default("chain_of_thought", False)
        self._default("prompt_format", task.formats[0])
        self._default("max_new_tokens", task.max_thinking_tokens if self.chain_of_thought else task.max_new_tokens)
        self._check_sampling()
        for name, least in (("batch_size", 1), ("max_new_tokens", 1), ("limit", 1), ("shots", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"--{name.replace('_', '-')} must be at least {least}, not {value}")
        if self.prompt_format not in task.formats:
            raise InputError(
                f"--format {self.prompt_format}: the formats of --task {self.task} are {', '.join(task.formats)}"
            )
        if self.task != "puzzle" and self.chain_of_thought:
            raise InputError(
                f"--chain-of-thought is for puzzles; answers to {self.task.upper()} show reasoning anyway: leave it out"
            )
        trained_only = self.task == "puzzle" and self.prompt_format not in ("symbolic", "natural")
        if trained_only and (self.shots or self.chat or self.chain_of_thought):
            raise InputError(f"--format {self.prompt_format} is for models trained on it; leave out --shots, --chat "
                             "and --chain-of-thought")  # fmt: skip
        if self.prompt_format == "symbolic" and self.chat:
            raise InputError("--chat needs a prompt in English; add --format natural")
        if self.prompt_format == "symbolic" and self.chain_of_thought and not self.shots:
            raise InputError("--chain-of-thought with symbolic prompts needs --shots; add it, or --format natural")
        if self.gold and self.task != "gsm8k":
            raise InputError(
                f"--gold is for --task gsm8k, whose solutions have annotations; leave it out for {self.task}"
            )
        if self.gold and (self.chat or self.backend != "transformers"):
            raise InputError("--gold reads likelihoods after plain prompts from transformers; leave out --chat, "
                             "--endpoint and --backend vllm")  # fmt: skip
        if self.merge and self.backend == "vllm":
            raise InputError("--merge: vLLM applies the adapter itself; leave it out, or use --backend transformers")

    def _check_endpoint(self) -> None:
        if self.chat and self.chat.template_kwargs:
            raise InputError("--chat-template-kwargs: the endpoint applies the chat template itself; leave it out")
        for option, given in (("--merge", self.merge), ("--backend vllm", self.backend == "vllm"),
                              ("--dtype", self.dtype != "auto")):  # fmt: skip
            if given:
                raise InputError(f"{option} is for models that this machine loads; leave it out with an endpoint")
        if min(self.price) < 0:
            raise InputError(f"--price-in and --price-out must be at least 0, not {min(self.price)}")
        object.__setattr__(self, "backend", "endpoint")
        concurrency = self.limits.concurrency if self.limits else 8
        object.__setattr__(self, "batch_size", 4 * concurrency)  # after a batch, answers are written and the bar moves

    def _default(self, name: str, value: object) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)

    def _check_sampling(self) -> None:
        if self.samples is None:
            for name, value in (("--temperature", self.temperature), ("--top-p", self.top_p)):
                if value is not None:
                    raise InputError(f"{name} needs --samples; without it decoding is greedy")
        else:
            temperature = 1.0 if self.temperature is None else self.temperature
            top_p = 1.0 if self.top_p is None else self.top_p
            if self.samples < 1:
                raise InputError(f"--samples must be at least 1, not {self.samples}")
            if not LEAST_TEMPERATURE <= temperature < math.inf:
                raise InputError(f"--temperature must be at least {LEAST_TEMPERATURE} and finite, not {temperature}; "
                                 "for greedy decoding drop --samples")  # fmt: skip
            if not 0 < top_p <= 1:
                raise InputError(f"--top-p must be above 0 and at most 1, not {top_p}")
            self._default("temperature", temperature)
            self._default("top_p", top_p)
        for each in self.k:
            if not 1 <= each <= self.draws:
                raise InputError(f"--k must be in 1..{self.draws}, the samples of a row, not {each}; raise --samples")

    @property
    def draws(self) -> int:
        """The number of answers for each row."""
        return self.samples or 1

    def make_task(self) -> Task:
        """Return the task with these options' prompt format."""
        assert self.prompt_format is not None  # __post_init__ sets the task's default
        return TASKS[self.task](self.prompt_format)

    def decoding(self, stop: str | None) -> Decoding:
        """Return how answers are generated; the text ``stop`` ends an answer."""
        assert self.max_new_tokens is not None  # __post_init__ sets the task's default
        return Decoding(self.max_new_tokens, self.temperature, self.top_p or 1.0, stop)

    def record(self, *, backend: str, dtype: str | None, rules: dict[str, str]) -> dict:
        """Return the "decoding" of results.json, with the backend, the dtype and the task's rules that are used."""
        values: dict = {
            "format": self.prompt_format,
            "strategy": "sample" if self.samples else "greedy",
            "temperature": self.temperature,
            "top_p": self.top_p,
            "samples": self.draws,
            "seed": self.seed,
            "max_new_tokens": self.max_new_tokens,
            "batch_size": None if self.endpoint else self.batch_size,  # it does not change what a server answers
            "shots": self.shots,
            "chain_of_thought": self.chain_of_thought,
            "chat": self.chat is not None,
            "merged": self.merge,
            "dtype": dtype,
            "backend": backend,
        }
        if self.chat and self.chat.system is not None:
            values["system"] = self.chat.system
        if self.chat and self.chat.template_kwargs:
            values["chat_template_kwargs"] = self.chat.template_kwargs
        if self.gold:
            values["gold"] = True
        return values | rules


def command_line(results: dict, out: str) -> str:
    """Return the shell command that repeats ``results`` into the folder ``out``, with every default spelled out."""
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
        "--system": decoding.get("system"),
        "--chat-template-kwargs": json.dumps(kwargs) if (kwargs := decoding.get("chat_template_kwargs")) else None,
        "--gold": decoding.get("gold"),
        "--merge": decoding["merged"],
        "--max-new-tokens": decoding["max_new_tokens"],
        "--batch-size": decoding["batch_size"] if decoding["backend"] in BACKENDS else None,
        "--endpoint": results.get("endpoint", {}).get("url"),
        "--provider": results.get("endpoint", {}).get("provider"),
        "--dtype": decoding["dtype"],
        "--backend": decoding["backend"] if decoding["backend"] in BACKENDS else None,
        "--out": out,
    }
    words = ["arith-puzzle", "score"]
    for flag, value in values.items():
        if value is None or value is False:
            continue
        for each in value if isinstance(value, list) else [value]:
            words += [flag] if each is True else [flag, str(each)]
    return shlex.join(words)
