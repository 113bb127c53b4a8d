"""The tokenizer of a base model: load it, give it a pad token, and check it before anything is trained.

transformers 5 has only fast tokenizers for Llama: ``AutoTokenizer`` ignores ``use_fast``. It reads tokenizer.json if
the base has one, and otherwise converts sentencepiece's tokenizer.model. Some conversions were wrong: OpenLLaMA's lost
the merge with score 0 and split words that sentencepiece keeps (transformers issue 24233). So there are two
measures:

- ``model.tokenizer: slow`` in a recipe ignores tokenizer.json and converts tokenizer.model. The result is a fast
  tokenizer too, and ``AutoTokenizer`` loads it from the folder of an adapter.
- If a base has a tokenizer.model, the ids of both must agree on the texts of ``check_round_trip``.
"""

from __future__ import annotations

import importlib.util
import random
import shlex
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa

from arith_puzzle.common.chat import Chat, end_of_turn, special_tokens
from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.dataset_builder.formats import FORMATS, PUZZLE_FORMATS
from arith_puzzle.dataset_builder.generate import puzzles
from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, symbolic_prompt
from arith_puzzle.dataset_builder.solver.solve import BOUND_FACTOR

SENTENCEPIECE = "tokenizer.model"
PAD = "<pad>"
_NAME_CLASS = """echo '{{"tokenizer_class": "LlamaTokenizer", "add_bos_token": true}}' > {}"""
"""Without a class transformers reads any tokenizer.model, and leaves out the space that Llama's puts first."""


def load_tokenizer(
    base: str, revision: str | None = None, *, slow: bool = False, text_format: str = "symbolic",
    eos_token: str | None = None, chat: Chat | None = None,
):  # fmt: skip
    """Load the tokenizer of a base, set its eos and pad tokens and run ``check_round_trip``.

    Args:
        base: a folder, or a Hub id with the optional ``revision``.
        slow: convert the base's tokenizer.model, and ignore its tokenizer.json.
        text_format: ``dataset.format`` of the recipe; the check uses texts in that format.
        eos_token: the special token that ends an answer. None: the tokenizer's eos, or with ``chat`` the token that
            ends a turn.
        chat: the rows are conversations, and the chat template is checked too.

    Returns:
        transformers.PreTrainedTokenizerBase, a fast tokenizer.

    Raises:
        InputError: the base cannot be loaded, tokenizer.model or sentencepiece is missing, or a check fails.
    """
    from transformers import AutoTokenizer

    _file(base, "config.json", revision, required=True)
    model = _file(base, SENTENCEPIECE, revision)
    if slow and model is None:
        raise InputError(f"model.tokenizer: slow needs a {SENTENCEPIECE}, and {base!r} has none; leave it out")
    if model is not None and importlib.util.find_spec("sentencepiece") is None:
        raise InputError(f"{base!r} has a {SENTENCEPIECE}, which needs a check; run: pip install sentencepiece")
    with reported(f"cannot load the base {base!r}", base):
        if slow:
            with tempfile.TemporaryDirectory() as folder:
                for name in (SENTENCEPIECE, "tokenizer_config.json", "special_tokens_map.json", "config.json"):
                    path = _file(base, name, revision)
                    if path is not None:
                        shutil.copyfile(path, Path(folder) / name)
                tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            tokenizer.name_or_path = base
        else:
            tokenizer = AutoTokenizer.from_pretrained(base, revision=revision, trust_remote_code=False)
    if chat:
        try:
            chat.check(tokenizer)
        except InputError as error:
            raise InputError(f"the base {base!r}: {error}") from None
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer))
    if eos_token:
        known = special_tokens(tokenizer)
        if eos_token not in known:
            raise InputError(f"model.eos_token {eos_token!r} is not a special token of the base {base!r}, which has "
                             f"{', '.join(map(repr, known[:20]))}{' …' * (len(known) > 20)}")  # fmt: skip
        tokenizer.eos_token = eos_token
    set_pad_token(tokenizer)
    remedy = "use another base"
    if model is not None and not slow and _file(base, "tokenizer.json", revision) is not None:
        remedy = "set model.tokenizer: slow"
    elif model is not None and _file(base, "tokenizer_config.json", revision) is None:
        remedy = "name its class: " + _NAME_CLASS.format(shlex.quote(str(Path(base) / "tokenizer_config.json")))
    check_round_trip(tokenizer, text_format=text_format, sentencepiece=model, remedy=remedy)
    return tokenizer


def base_commit(base: str, revision: str | None = None) -> str | None:
    """The commit that a Hub base's ``revision`` (default: main) points to now; None for a folder."""
    from transformers.utils.hub import extract_commit_hash

    return extract_commit_hash(str(_file(base, "config.json", revision, required=True)), None)


def set_pad_token(tokenizer) -> None:
    """Give ``tokenizer`` a pad token that differs from eos. Padding has no loss, so eos must not be padding.

    The vocabulary's special tokens besides bos and eos are candidates, in this order: a token with "pad" in its name
    (``<|fim_pad|>`` of Qwen2.5, ``<|finetune_right_pad_id|>`` of Llama 3.1); the unknown token (Llama 1 and 2, Mistral:
    with byte fallback no text needs it); the last special token (SmolLM2). If there is none, ``<pad>`` is added.
    """
    if tokenizer.pad_token_id not in (None, tokenizer.eos_token_id):
        return
    taken = {tokenizer.bos_token, tokenizer.eos_token, None}
    free = [token for token in special_tokens(tokenizer) if token not in taken]
    named = [token for token in free if "pad" in token.lower()]
    unknown = [tokenizer.unk_token] if tokenizer.unk_token not in taken else []
    tokenizer.add_special_tokens({"pad_token": (named or unknown or free[-1:] or [PAD])[0]})


def check_round_trip(
    tokenizer, *, text_format: str = "symbolic", sentencepiece: Path | None = None, remedy: str = "use another base"
) -> None:
    """Check that no digit or operator is lost, and that prompts have the same ids in training and at inference.

    The texts are every number from -1000 to 1000, 2,000 random numbers up to 10^6, every operator, and the prompts and
    completions of 400 generated rows. The checks are:

    - decoding the ids of a text gives the text;
    - the ids of a prompt are the first ids of prompt + completion;
    - the tokenizer adds no eos;
    - the ids are those of the sentencepiece model, if the base has one (``sentencepiece``: path of its file).

    Args:
        remedy: what the message of a wrong tokenizer advises.

    Raises:
        InputError: a check fails. The message names the text, what became of it, and the remedy.
    """
    name = tokenizer.name_or_path or type(tokenizer).__name__
    if tokenizer.eos_token_id is None:
        raise InputError(f"the tokenizer of {name!r} has no end-of-sequence token; use another base")
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        raise InputError(f"the tokenizer of {name!r} needs a pad token that is not eos")
    prompts, completions = _rows(text_format)
    wholes = [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)]
    texts = [*_numbers(), *OPERATORS, *prompts, *completions, *wholes]
    try:
        encoded = tokenizer(texts, verbose=False)["input_ids"]  # a text may be longer than the model allows
    except Exception as error:  # the Rust library raises no narrower type
        raise InputError(f"the tokenizer of {name!r} cannot encode {text_format} texts: {error}") from None
    for text, ids in zip(texts, encoded, strict=True):
        if ids and ids[-1] == tokenizer.eos_token_id:
            raise InputError(f"the tokenizer of {name!r} ends {text[:40]!r} with eos; set its add_eos_token to false")
        back = tokenizer.decode(ids, skip_special_tokens=True)
        if back != text:
            raise InputError(
                f"the tokenizer of {name!r} does not round-trip: {text[:40]!r} comes back as {back[:40]!r}; {remedy}"
            )
    for prompt, short, whole in zip(prompts, tokenizer(prompts)["input_ids"], encoded[-len(wholes) :], strict=True):
        if whole[: len(short)] != short:
            raise InputError(
                f"the tokenizer of {name!r} merges prompt and completion of {prompt[:40]!r}; use another base"
            )
    if sentencepiece is not None:
        _check_against(sentencepiece, tokenizer, texts, encoded, name, remedy)


def _check_against(model: Path, tokenizer, texts: list[str], encoded: list[list[int]], name: str, remedy: str) -> None:
    """Raise InputError on the first text with other ids than the sentencepiece ``model`` gives, bos aside."""
    from sentencepiece import SentencePieceProcessor

    judge = SentencePieceProcessor(model_file=str(model))
    bos = [tokenizer.bos_token_id] if tokenizer("")["input_ids"] else []
    for text, ids, wanted in zip(texts, encoded, judge.encode(texts), strict=True):
        wanted = bos + wanted
        if ids != wanted:
            at = next((i for i, (one, two) in enumerate(zip(ids, wanted, strict=False)) if one != two), 0)
            ours, theirs = (tokenizer.convert_ids_to_tokens(part[at : at + 4]) for part in (ids, wanted))
            raise InputError(
                f"the tokenizer of {name!r} was converted wrongly: in {text[:40]!r}, from token {at} on, it has {ours} "
                f"and {SENTENCEPIECE} has {theirs}; {remedy}"
            )


def _numbers() -> list[str]:
    draw = random.Random(0)
    return [str(n) for n in range(-1000, 1001)] + [str(draw.randint(-(10**6), 10**6)) for _ in range(2000)]


def _rows(text_format: str) -> tuple[list[str], list[str]]:
    """Prompts and completions with small and large numbers. Texts of alpaca are checked when they are tokenized."""
    form = FORMATS[text_format if text_format in PUZZLE_FORMATS else "symbolic"]
    prompts, completions = [], []
    for n, v in ((4, 60), (7, 60), (6, 1000), (8, 10_000)):
        numbers, targets, steps = puzzles(("tokenizer",), 100, n, v, BOUND_FACTOR * v, "train", unique=False)
        rows = zip(numbers.tolist(), targets.tolist(), strict=True)
        table = pa.table(
            {
                "numbers": numbers.tolist(),
                "target": targets,
                "prompt": [symbolic_prompt(*puzzle) for puzzle in rows],
                "completion": [completion((a, OPERATORS[op], b, c) for a, op, b, c in row) for row in steps.tolist()],
            }
        )
        for texts, found in zip((prompts, completions), form.texts(table), strict=True):
            texts += found.to_pylist()
    return prompts, completions


def _file(base: str, name: str, revision: str | None, *, required: bool = False) -> Path | None:
    """Path of a base's file in its folder, in the cache or downloaded from the Hub; None if the base has no such file.

    Raises:
        InputError: ``required``, and the base or the file is not available.
    """
    from transformers.utils import cached_file

    flags = ("_raise_exceptions_for_missing_entries", "_raise_exceptions_for_connection_errors")
    with reported(f"cannot load the base {base!r}", base):
        path = cached_file(base, name, revision=revision, **dict.fromkeys(flags, required))
    return Path(path) if path else None
