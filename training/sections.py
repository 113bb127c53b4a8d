"""The sections of a recipe and their fields. ``recipe`` reads and checks a whole recipe."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from arith_puzzle.common.strict_yaml import STRICT, NonEmpty, NotNegative, Positive

LATER = {"later": True}
"""Metadata of a field that was added after the first published runs; see ``Recipe.digest``."""
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=STRICT)
class DatasetSection:
    """Training rows from a dataset: ``load_dataset(path, config, split=split)``.

    Attributes:
        rows: number of rows to take from the start of the split; None takes all.
        seed: seed that the dataset was built with.
        format: text of prompts and completions. ``symbolic`` takes the columns prompt and completion. ``natural``
            writes the prompt in English (``arith_puzzle.dataset_builder.puzzle.natural_prompt``). ``search`` writes a
            search trace before the answer (``arith_puzzle.dataset_builder.search_traces``). ``procedure`` writes the
            answer of that search alone, for a model that answers directly. ``first_attempt`` does so too, and leaves
            out the puzzles that need more than one attempt, so that all equations but the last two follow from a rule.
            ``alpaca`` is for aug-gsm8k: the column query goes below ``### Instruction:``, and the model learns the
            column response (arXiv 2310.05506). The other four change ``symbolic`` in one thing each: ``shuffled``
            shuffles the numbers in the prompt, ``either_order`` swaps operands of + and *, ``backward`` writes the last
            equation first, ``reversed_digits`` reverses the digits of every number.
    """

    path: str = "arith-puzzle"
    config: str = "starter"
    split: str = "train"
    rows: Positive | None = None
    seed: NotNegative = 0
    format: Literal[
        "symbolic",
        "natural",
        "alpaca",
        "search",
        "procedure",
        "first_attempt",
        "shuffled",
        "either_order",
        "backward",
        "reversed_digits",
    ] = field(default="symbolic", metadata=LATER)


@dataclass(frozen=True, config=STRICT)
class DrillsSection:
    """Training rows from the pretraining mix (``arith_puzzle.training.data.pretraining_mix.drill_columns``).

    A base learns from them. Beside a dataset they keep an adapter from forgetting what its base has learned. A field
    that is None takes the default of ``drill_columns``.
    """

    rows: Positive
    drill_share: Share = 0.5
    limit: Positive | None = field(default=None, metadata=LATER)
    v: Annotated[int, Field(ge=8, le=60)] | None = field(default=None, metadata=LATER)
    sizes: NonEmpty[int] | None = field(default=None, metadata=LATER)
    walk_share: Share | None = field(default=None, metadata=LATER)
    format: Literal["symbolic", "search", "procedure"] = field(default="symbolic", metadata=LATER)
    attempts: Positive | None = field(default=None, metadata=LATER)
    list_share: Share | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, config=STRICT)
class ModelSection:
    """The model to train: a ``base`` to adapt, or a ``shape`` to train from scratch.

    Attributes:
        base: a folder, or a Hub id; ``revision``: its branch, tag or commit on the Hub.
        adapter: folder of a LoRA adapter of this base, with which the training starts. With a ``lora`` section of the
            same shape the adapter is trained on; without one it is merged, and all parameters are trained.
        shape: fields of ``transformers.LlamaConfig``; see ``SHAPE``, ``WINDOW`` and ``NOPE`` in ``recipe``.
        dtype: type of the loaded weights. None: the stored type, or float32 where all parameters are trained.
        attn_implementation: None leaves the choice to transformers.
        quantization: ``nf4`` loads frozen weights in 4 bits (QLoRA, arXiv 2305.14314).
        tokenizer: ``slow`` converts the tokenizer.model of a base whose fast tokenizer is wrong
            (``arith_puzzle.training.base_tokenizer``). ``pairs`` gives a shape one token for two digits
            (``arith_puzzle.training.tiny``).
        eos_token: the special token of the base's tokenizer that ends an answer, in training and in generation. None:
            the tokenizer's eos token, or with ``chat`` the token that ends a turn in its template.
        positions: maximum number of tokens that the trained model states in its configuration. Only where all
            parameters are trained: a rotary embedding has no table that would have to grow. None keeps the base's.
    """

    base: str | None = None
    revision: str | None = None
    shape: dict[str, Positive] | None = None
    dtype: Literal["float32", "bfloat16"] | None = field(default=None, metadata=LATER)
    attn_implementation: Literal["eager", "sdpa", "flash_attention_2", "flex_attention"] | None = field(
        default=None, metadata=LATER
    )
    quantization: Literal["nf4"] | None = field(default=None, metadata=LATER)
    tokenizer: Literal["slow", "pairs"] | None = field(default=None, metadata=LATER)
    eos_token: str | None = field(default=None, metadata=LATER)
    positions: Annotated[int, Field(ge=64)] | None = field(default=None, metadata=LATER)
    adapter: str | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, config=STRICT)
class LoraSection:
    """Fields of ``peft.LoraConfig``, under PEFT's names.

    Attributes:
        modules_to_save: modules that are trained whole, beside the adapter, such as embeddings.
        use_dora: DoRA (arXiv 2402.09353): magnitudes of the weights are learned apart from their directions.
        use_rslora: scale by lora_alpha / sqrt(r) instead of lora_alpha / r (arXiv 2312.03732).
    """

    r: Positive = 5
    lora_alpha: Positive = 32
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    target_modules: str | NonEmpty[str] = "all-linear"
    modules_to_save: NonEmpty[str] | None = field(default=None, metadata=LATER)
    use_dora: bool = field(default=False, metadata=LATER)
    use_rslora: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, config=STRICT)
class ScoreSection:
    """The scores after training: greedy decoding on ``splits`` of the dataset's config, ``limit`` rows of each.

    ``base_limit`` is the maximum number of rows for the base alone; None: as many as for the adapter.
    """

    splits: NonEmpty[str] = field(default_factory=lambda: ["test"])
    batch_size: Positive = 256
    max_new_tokens: Positive = 64
    format: Literal[
        "symbolic",
        "natural",
        "search",
        "procedure",
        "first_attempt",
        "shuffled",
        "either_order",
        "backward",
        "reversed_digits",
    ] = "symbolic"
    limit: Positive | None = field(default=None, metadata=LATER)
    base_limit: Positive | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, config=STRICT)
class RewardSection:
    """What a ``grpo`` recipe rewards: ``arith_puzzle.metrics.rewards.reward``, 1 for a right answer and 0 for others.

    Attributes:
        lenient: also reward answers that the lenient view of the verifier reads: after ``</think>``, in ``<answer>``,
            with spaces.
        graded: weight of ``graded_reward``, the share of checks that an answer passes, beside it.
    """

    lenient: bool = False
    graded: Share = 0.0


@dataclass(frozen=True, config=STRICT)
class NeedsSection:
    """The hardware that a recipe needs: ``gpus`` on all machines together, each with ``gpu_memory_gb`` (10^9 bytes)."""

    gpus: Positive = 1
    gpu_memory_gb: Positive = 16
