"""Prompts with examples, chain of thought and chat, and the part of an answer that is judged."""

import re

import numpy as np
import pyarrow as pa
import pytest
from transformers import AutoTokenizer

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import partition_mask, puzzle_keys
from arith_puzzle.evaluation.prompting import SEPARATOR, Prompting, choose_examples
from arith_puzzle.evaluation.tasks import MARKER, Gsm8k, Puzzle, read_rows
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from tests.paths import ROOT

ROW = {"numbers": [3, 6, 7, 51, 58], "target": 4, "n": 5, "completion": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"}


@pytest.fixture(scope="module")
def pool(starter):
    return read_rows(Puzzle("symbolic"), str(starter[0]), "starter", "train", limit=2000)


@pytest.fixture(scope="module")
def held_out(starter):
    return read_rows(Puzzle("symbolic"), str(starter[0]), "starter", "validation")


def test_examples_are_of_train_balanced_and_the_same_for_a_seed(pool, held_out):
    chosen = choose_examples(pool, 8, seed=0, group="n")
    assert [row["n"] for row in chosen] == [3, 4] * 4
    assert chosen == choose_examples(list(reversed(pool)), 8, seed=0, group="n"), "the order of the rows has no effect"
    assert chosen[:2] == choose_examples(pool, 2, seed=0, group="n")
    assert chosen != choose_examples(pool, 8, seed=1, group="n")
    assert chosen == choose_examples(pool * 2, 8, seed=0, group="n"), "no example twice, even if train has a row twice"
    puzzles = {(*row["numbers"], row["target"]) for row in held_out}
    for row in chosen:
        key = puzzle_keys(np.array([row["numbers"]]), np.array([row["target"]]))
        assert partition_mask(key, "train")[0] and (*row["numbers"], row["target"]) not in puzzles
        assert verify(row["numbers"], row["target"], row["completion"]).correct
    with pytest.raises(InputError, match="2001 needs as many rows"):
        choose_examples(pool, 2001, seed=0)


def test_shots_end_with_a_blank_line_and_the_question_comes_last(pool):
    examples = choose_examples(pool, 2, seed=0, group="n")
    text = Prompting(Puzzle("symbolic"), examples).text(ROW)
    *worked, question = text.split(SEPARATOR)
    assert question == "3,6,7,51,58:4\n" and len(worked) == 2
    for part, row in zip(worked, examples, strict=True):
        prompt, answer = part.split("\n", 1)
        assert prompt == f"{','.join(map(str, row['numbers']))}:{row['target']}"
        assert verify(row["numbers"], row["target"], answer).correct
    assert Prompting(Puzzle("symbolic")).text(ROW) == "3,6,7,51,58:4\n" and Prompting(Puzzle("symbolic")).stop is None
    natural = Prompting(Puzzle("natural"), examples).text(ROW)
    assert natural.count("Write exactly") == 3 and natural.split(SEPARATOR)[-1].startswith("Reach the target 4 from")


def test_reasoning_follows_from_the_solution_by_rule():
    assert Puzzle.reasoning(ROW) == (
        "The numbers are 3, 6, 7, 51, 58; the target is 4.\n"
        "58-51=7 leaves 3, 6, 7, 7.\n6-7=-1 leaves -1, 3, 7.\n3*-1=-3 leaves -3, 7.\n-3+7=4 leaves 4."
    )


def test_an_example_that_reasons_is_judged_as_correct(pool):
    examples = choose_examples(pool, 8, seed=3, group="n")
    prompting = Prompting(Puzzle("natural"), examples, chain_of_thought=True)
    *worked, question = prompting.text(ROW).split(SEPARATOR)
    assert question.endswith(f'Then write a line "{MARKER}" and below it the answer.\n')
    for part, row in zip(worked, examples, strict=True):
        answer = part.split("below it the answer.\n")[1]
        assert not verify(row["numbers"], row["target"], answer).correct
        assert verify(row["numbers"], row["target"], prompting.judged(answer)).correct
        assert re.findall(r"leaves (-?\d+)\.", answer) == [str(row["target"])]


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("2+3=5 leaves 5.\nAnswer:\n2+3=5", "2+3=5"),
        ("Answer: 2+3=5\n", "2+3=5\n"),
        ("Answer:\n1+1=2\nNo.\nAnswer:\n2+3=5", "2+3=5"),  # the last one counts
        ("The Answer: 7", "The Answer: 7"),  # not at the start of a line
        ("2+3=5", "2+3=5"),
        ("Answer:", ""),
    ],
)
def test_what_follows_the_marker_is_judged(text, judged):
    assert Prompting(Puzzle("natural"), chain_of_thought=True).judged(text) == judged
    assert Prompting(Puzzle("natural")).judged(text) == text


def test_chat_uses_the_template_and_adds_no_second_bos(talker, pool):
    tokenizer = AutoTokenizer.from_pretrained(talker)
    examples = choose_examples(pool, 1, seed=0)
    prompting = Prompting(Puzzle("natural"), examples, chat=Chat())
    text = tokenizer.decode(prompting.encode(tokenizer, ROW))
    first, second = Puzzle("natural").question(examples[0]).strip(), Puzzle("natural").question(ROW).strip()
    answer = examples[0]["completion"]
    assert text == f"<bos><user>{first}<eos><assistant>{answer}<eos><user>{second}<eos><assistant>"
    assert prompting.stop is None, "a turn ends by eos"


def test_chat_without_a_template_and_words_without_letters_are_refused():
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "training" / "bases" / "arith-tiny")
    with pytest.raises(InputError, match="chat template"):
        Prompting(Puzzle("natural"), chat=Chat()).encode(tokenizer, ROW)
    with pytest.raises(InputError, match="cannot write this prompt"):
        Prompting(Puzzle("natural")).encode(tokenizer, ROW)


def test_a_blank_line_inside_an_answer_does_not_end_it(pool):
    """Only a blank line before the next question does. An example that contains such a text is refused."""
    row = Gsm8k.row({"question": "How many?", "answer": "First, 1 + 1 = 2.\n\nSo there are 2.\n#### 2"})
    prompting = Prompting(Gsm8k("alpaca"), [row])
    written = Gsm8k.solution(row) + SEPARATOR + prompting.text(row)
    assert written.split(prompting.stop)[0] == Gsm8k.solution(row)
    assert prompting.text(row).count(prompting.stop) == 1, "between the example and the question"
    natural = Prompting(Puzzle("natural"), pool[:2], chain_of_thought=True)
    assert natural.text(ROW).count(natural.stop) == 2
    for task, broken in (
        (Gsm8k("alpaca"), row | {"answer": f"2\n\n{Gsm8k('alpaca').question(row)}"}),
        (Puzzle("symbolic"), pool[0] | {"completion": "1+1=2\n\n2+2=4"}),
    ):
        with pytest.raises(InputError, match="which ends an answer; leave out its row"):
            Prompting(task, [broken])


def test_gsm8k_is_asked_as_it_is_trained(talker):
    from arith_puzzle.dataset_builder.formats import FORMATS

    table = pa.table({"query": ["How many?"], "response": ["Two. #### 2"]})
    prompts, completions = (column.to_pylist() for column in FORMATS["alpaca"].texts(table))
    row = Gsm8k.row({"query": "How many?", "response": "Two. #### 2"})
    assert row == Gsm8k.row({"question": "How many?", "answer": "Two. #### 2"})
    prompting = Prompting(Gsm8k("alpaca"), [row])
    assert prompting.text(row) == prompts[0] + completions[0] + SEPARATOR + prompts[0]
    turns = [column.to_pylist() for column in FORMATS["alpaca"].turns(table)]
    assert turns == [["How many?"], ["Two. #### 2"]]
    tokenizer = AutoTokenizer.from_pretrained(talker)
    asked = Prompting(Gsm8k("alpaca"), chat=Chat()).encode(tokenizer, row)
    assert tokenizer.decode(asked) == "<bos><user>How many?<eos><assistant>"
