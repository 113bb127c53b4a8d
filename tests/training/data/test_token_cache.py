"""The token cache: its ids are the tokenizer's, they are written once, and a killed run loses at most one piece."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from datasets import load_dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.formats import ALPACA
from arith_puzzle.training.data.encoding import UNFINISHED, character_table, encode, encode_characters, encode_texts
from arith_puzzle.training.data.token_cache import token_cache
from arith_puzzle.training.recipe import Recipe
from arith_puzzle.training.sections import DatasetSection, DrillsSection, ModelSection
from arith_puzzle.training.tiny import CHARACTERS, build_tokenizer
from tests.paths import ROOT

RECIPE = Recipe("t", ModelSection(base="training/bases/arith-tiny"), dataset=DatasetSection(rows=1000))


def of(**section) -> Recipe:
    return dataclasses.replace(RECIPE, dataset=dataclasses.replace(RECIPE.dataset, **section))


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ARITH_PUZZLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_loss_is_on_the_completion_and_its_eos_only():
    tokenizer = build_tokenizer()
    [whole], [prompt] = encode(["3,6:9\n"], ["6+3=9"], tokenizer)
    assert whole[:prompt] == tokenizer("3,6:9\n")["input_ids"]
    assert whole[-1] == tokenizer.eos_token_id != tokenizer.pad_token_id
    assert tokenizer.decode(whole[prompt:-1]) == "6+3=9"


def test_what_ends_with_a_comma_goes_on_and_has_no_eos():
    tokenizer = build_tokenizer()
    prompts, completions = ["3,6:9\n", "3,6:8\n", "1,2:3\n"], ["6+3=9", "6-3=3,", "2+1=3"]
    assert all(ids[-1] == tokenizer.eos_token_id for ids in encode(prompts, completions, tokenizer)[0]), (
        "only rows of the pretraining mix can be unfinished"
    )
    wholes, heads = encode(prompts, completions, tokenizer, UNFINISHED)
    assert [whole[-1] == tokenizer.eos_token_id for whole in wholes] == [True, False, True]
    assert tokenizer.decode(wholes[1]) == "<bos>3,6:8\n6-3=3,"
    for way in (partial(encode_characters, character_table(tokenizer)), partial(encode_texts, tokenizer)):
        ids, lengths, starts = way((pa.array(prompts), pa.array(completions)), UNFINISHED)
        assert ids.tolist() == [*chain.from_iterable(wholes)] and lengths.tolist() == list(map(len, wholes))
        assert starts.tolist() == heads


def test_a_tokenizer_that_merges_across_the_boundary_is_refused():
    class Merging:
        eos_token_id = 0

        def __call__(self, texts, **_):
            return {"input_ids": [[len(text)] for text in texts]}

    with pytest.raises(InputError, match="merges prompt and completion"):
        encode(["1"], ["2"], Merging())


def test_cached_rows_are_the_tokenizers(starter, cache):
    tokenizer = build_tokenizer()
    tokens = token_cache(RECIPE, tokenizer, str(starter[0]))
    rows = load_dataset(str(starter[0]), "starter", split="train[:1000]")
    assert len(tokens) == 1000 and tokens.ids[0].dtype == np.uint8, "21 ids need a byte each"
    for i, row in enumerate(rows):
        ids, prompt = tokens[i]
        assert ids.tolist() == [*tokenizer(row["prompt"] + row["completion"])["input_ids"], tokenizer.eos_token_id]
        assert prompt == len(tokenizer(row["prompt"])["input_ids"])
    assert tokens.lengths().tolist() == [len(tokens[i][0]) for i in range(1000)]


def test_drills_stand_before_a_datasets_rows(starter, cache):
    tokenizer, drills = build_tokenizer(), DrillsSection(rows=30)
    plain = token_cache(RECIPE, tokenizer, str(starter[0]))
    alone = token_cache(dataclasses.replace(RECIPE, dataset=None, drills=drills), tokenizer)
    both = token_cache(dataclasses.replace(of(rows=700), drills=drills), tokenizer, str(starter[0]))
    assert (len(alone), len(both)) == (30, 730)
    for i in range(730):
        ids, prompt = alone[i] if i < 30 else plain[i - 30]
        assert both[i][0].tolist() == ids.tolist() and both[i][1] == prompt
    with pytest.raises(InputError, match="rows asks for 999999 rows"):
        token_cache(dataclasses.replace(of(rows=999999), drills=drills), tokenizer, str(starter[0]))


def test_a_tokenizer_of_characters_is_a_table_and_others_are_not(talker):
    assert character_table(build_tokenizer())
    assert character_table(AutoTokenizer.from_pretrained(talker)) is None, "its '<', 'e', 'o', 's', '>' are one token"
    merging = build_tokenizer()
    merging.add_tokens(["12"])
    assert character_table(merging) is None
    with pytest.raises(InputError, match="'1,2:3 1' has a character that the tokenizer does not know"):
        encode_characters(character_table(build_tokenizer()), (pa.array(["1,2:", "1,2:"]), pa.array(["3", "3 1"])))


@given(st.lists(st.tuples(st.text(CHARACTERS), st.text(CHARACTERS)), min_size=4, max_size=20), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_the_table_says_what_the_tokenizer_says(rows, skipped):
    tokenizer = build_tokenizer()
    texts = tuple(pa.array([row[i] for row in rows], pa.string())[skipped:] for i in (0, 1))
    for one, two in zip(
        encode_characters(character_table(tokenizer), texts), encode_texts(tokenizer, texts), strict=True
    ):
        assert one.tolist() == two.tolist() and one.dtype == two.dtype


def test_a_cache_is_used_again_for_fewer_rows_and_keyed_by_what_it_holds(starter, cache, talker):
    tokenizer = build_tokenizer()
    token_cache(of(split="test", rows=None), tokenizer, str(starter[0]))
    [piece] = (cache / "tokens").glob("*/00000*/ids.npy")
    written = piece.stat().st_mtime_ns
    few = token_cache(of(split="test", rows=7), tokenizer, str(starter[0]))
    assert len(few) == len(few.lengths()) == 7 and piece.stat().st_mtime_ns == written
    token_cache(of(split="test", rows=7, format="natural"), AutoTokenizer.from_pretrained(talker), str(starter[0]))
    tokenizer.eos_token = tokenizer.pad_token
    token_cache(of(split="test", rows=7), tokenizer, str(starter[0]))
    token_cache(of(split="validation", rows=7), tokenizer, str(starter[0]))
    assert len(list((cache / "tokens").iterdir())) == 4


def test_another_config_beside_it_costs_no_cache_and_other_rows_do(starter, cache, tmp_path):
    folder = shutil.copytree(starter[0], tmp_path / "arith-puzzle")
    manifest = json.loads((folder / "manifest.json").read_text())

    def keys() -> int:
        (folder / "manifest.json").write_text(json.dumps(manifest))
        token_cache(of(split="validation", rows=7), build_tokenizer(), str(folder))
        return len(list((cache / "tokens").iterdir()))

    assert keys() == 1
    manifest["configs"]["other"] = {"splits": {}}
    assert keys() == 1
    shutil.copy(folder / "starter" / "test-00000.parquet", folder / "starter" / "validation-00000.parquet")
    assert keys() == 2


def test_formats_are_written_from_the_columns_they_name(cache, tmp_path, talker):
    rows = [{"query": "How many?", "response": "Two.\n#### 2"}]
    (tmp_path / "aug").mkdir()
    (tmp_path / "aug" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    tokenizer = AutoTokenizer.from_pretrained(talker)
    recipe = of(path=str(tmp_path / "aug"), config="default", rows=None, format="alpaca")
    ids, prompt = token_cache(recipe, tokenizer)[0]
    assert tokenizer.decode(ids[:prompt]) == ALPACA.format(instruction="How many?")
    assert tokenizer.decode(ids[prompt:-1]) == "\nTwo.\n#### 2"
    with pytest.raises(InputError, match=r"has no column 'prompt'; dataset\.format: symbolic needs prompt, completion"):
        token_cache(of(path=str(tmp_path / "aug"), config="default", rows=None), tokenizer)


def test_the_cache_of_a_chat_is_keyed_by_all_that_its_template_writes(starter, cache, talker):
    """Its special tokens and its variables too: other ones would be trained with the tokens of the first."""
    tokenizer = AutoTokenizer.from_pretrained(talker)
    recipe = dataclasses.replace(of(split="test", rows=3, format="natural"), chat=Chat())
    bos = []
    for token in ("<bos>", "<pad>"):
        tokenizer.bos_token = token
        ids, _ = token_cache(recipe, tokenizer, str(starter[0]))[0]
        bos.append(tokenizer.decode(ids[:1]))
    assert bos == ["<bos>", "<pad>"]
    token_cache(dataclasses.replace(recipe, chat=Chat(template_kwargs={"x": 1})), tokenizer, str(starter[0]))
    assert len(list((cache / "tokens").iterdir())) == 3


ROW = {"numbers": [3, 4], "target": 12, "prompt": "3,4:12\n", "completion": "3*4=12"}


@pytest.fixture
def rows_of(tmp_path):
    """A function that writes rows to a folder, and gives the recipe that trains on them."""

    def write(name, text, **section):
        (tmp_path / "rows").mkdir()
        (tmp_path / "rows" / name).write_text(text)
        return of(path=str(tmp_path / "rows"), config="default", rows=None, **section)

    return write


def test_csv_is_read_although_it_states_no_columns(cache, rows_of):
    recipe = rows_of("train.csv", 'prompt,completion\n"3,4:12\n",3*4=12\n')
    ids, _ = token_cache(recipe, build_tokenizer())[0]
    assert build_tokenizer().decode(ids, skip_special_tokens=True) == "3,4:12\n3*4=12"


@pytest.mark.parametrize(
    ("change", "text_format", "said"),
    [
        ({"completion": None}, "symbolic", "row 2 of shard 0 of .* has no value in 'completion'; fill it in"),
        ({"target": None}, "natural", "row 2 of shard 0 of .* has no value in 'target'"),
        ({"numbers": [3, None]}, "natural", "row 2 of shard 0 of .* has no value in 'numbers'"),
        ({"target": 12.5}, "natural", "the column 'target' in shard 0 of .* has the type double, and must have int64"),
        (None, "symbolic", "cannot load the dataset .*: a data file is empty"),
    ],
)
def test_rows_that_cannot_be_trained_are_named_in_one_line(cache, rows_of, talker, change, text_format, said):
    text = "" if change is None else "".join(json.dumps(row) + "\n" for row in (ROW, ROW | change))
    recipe = rows_of("train.jsonl", text, format=text_format)
    tokenizer = AutoTokenizer.from_pretrained(talker)
    with pytest.raises(InputError, match=said) as caught:
        token_cache(recipe, tokenizer)
    assert "\n" not in str(caught.value) and not list(cache.rglob("*.npy"))


def test_a_card_that_is_not_yaml_is_named_in_one_line(cache, rows_of):
    recipe = rows_of("train.jsonl", json.dumps(ROW) + "\n")
    Path(recipe.dataset.path, "README.md").write_text("---\n: [\n---\n")
    with pytest.raises(InputError, match=r"the front matter of its card \(README\.md\) is not YAML") as caught:
        token_cache(recipe, build_tokenizer())
    assert "\n" not in str(caught.value)


def test_drills_are_cached_by_their_seed(cache):
    recipe = Recipe("t", ModelSection(shape={}), drills=DrillsSection(rows=300))
    one, again = (token_cache(recipe, build_tokenizer()) for _ in range(2))
    other = token_cache(dataclasses.replace(recipe, seed=1), build_tokenizer())
    assert one.ids[0].tolist() == again.ids[0].tolist() != other.ids[0].tolist()


def test_too_few_rows_or_no_such_split_is_one_line(starter, cache):
    with pytest.raises(InputError, match=r"dataset\.rows asks for 3000 rows; test has 2000"):
        token_cache(of(split="test", rows=3000), build_tokenizer(), str(starter[0]))
    with pytest.raises(InputError, match="there is no split 'tset'"):
        token_cache(of(split="tset"), build_tokenizer(), str(starter[0]))


def test_a_full_disk_is_one_line_and_leaves_no_broken_piece(starter, small_disk, monkeypatch):
    folder = small_disk(400_000)
    monkeypatch.setenv("ARITH_PUZZLE_CACHE", str(folder))
    with pytest.raises(InputError, match="no space left for the token cache"):
        token_cache(of(rows=50_000), build_tokenizer(), str(starter[0]))
    small_disk(20_000_000)
    assert len(token_cache(of(rows=50_000), build_tokenizer(), str(starter[0]))) == 50_000


@pytest.mark.slow
def test_killed_and_shared_it_ends_with_the_same_bytes(starter, tmp_path):
    """SIGKILL while pieces are written; then two processes at once write the missing ones."""
    data = tmp_path / "many"
    rows = load_dataset(str(starter[0]), "starter", split="train[:60000]")
    (data / "starter").mkdir(parents=True)
    for shard in range(6):
        rows.shard(6, shard, contiguous=True).to_parquet(data / "starter" / f"train-{shard}.parquet")
    card = "---\nconfigs:\n- config_name: starter\n  data_files:\n  - {split: train, path: starter/*.parquet}\n---\n"
    (data / "README.md").write_text(card)
    code = (
        "import sys; from tests.training.data.test_token_cache import of, token_cache, build_tokenizer\n"
        f"token_cache(of(rows=60000), build_tokenizer(), {str(data)!r})"
    )

    def start(cache: str) -> subprocess.Popen:
        environment = os.environ | {"ARITH_PUZZLE_CACHE": str(tmp_path / cache), "PYTHONPATH": str(ROOT)}
        script = tmp_path / f"{cache}.py"
        script.write_text(f'if __name__ == "__main__":\n    {code.replace(chr(10), chr(10) + "    ")}\n')
        return subprocess.Popen([sys.executable, str(script)], env=environment, stderr=subprocess.DEVNULL,
                                start_new_session=True)  # fmt: skip

    assert start("whole").wait() == 0
    killed, deadline = start("killed"), time.monotonic() + 600
    while len(list(tmp_path.glob("killed/tokens/*/0000?"))) < 2 and time.monotonic() < deadline:
        assert killed.poll() is None, "the process ended before it was killed"
        time.sleep(0.005)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert len(list(tmp_path.glob("killed/tokens/*/0000?"))) < 6
    assert [child.wait() for child in [start("killed"), start("killed")]] == [0, 0]
    files = {cache: sorted(p for p in (tmp_path / cache).rglob("*.npy")) for cache in ("whole", "killed")}
    assert len(files["whole"]) == len(files["killed"]) == 18
    for one, two in zip(files["whole"], files["killed"], strict=True):
        assert one.read_bytes() == two.read_bytes()
