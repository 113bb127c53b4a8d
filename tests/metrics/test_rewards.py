"""Tests of the rewards: they follow the verifier, padding does not raise them, and GRPOTrainer accepts them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arith_puzzle import load_metric
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.verify import MAX_RESPONSE_CHARS, verify
from arith_puzzle.metrics.rewards import graded_reward, graded_reward_for, reward, reward_for

CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("cases.jsonl").read_text(encoding="utf-8").split("\n")
    if line and json.loads(line)["division"] == "exact"
]
NUMBERS, TARGET = [3, 6, 7, 51, 58], 4
LINES = ["58-51=7", "6-7=-1", "3*-1=-3", "-3+7=4"]


def grade(response: str, numbers=NUMBERS, target=TARGET) -> float:
    (value,) = graded_reward([response], [numbers], [target])
    return value


def test_the_reward_is_the_verdict():
    arguments = [[case[key] for case in CASES] for key in ("response", "numbers", "target")]
    assert reward(*arguments) == [float(case["correct"]) for case in CASES]
    assert {type(value) for value in reward(*arguments)} == {float}
    for case, value in zip(CASES, graded_reward(*arguments), strict=True):
        assert value == 1 if case["correct"] else 0 <= value < 1


def test_the_grade_is_the_share_of_checks_before_the_first_fault():
    assert grade("\n".join(LINES)) == 1
    assert grade("\n".join([*LINES[:3], "7--3=10"])) == 4 / 5  # all equations hold, the target is missed
    for held in range(4):
        for fault in ("3+3=7", "9+9=18", "1/0=0"):
            assert grade("\n".join([*LINES[:held], fault, *LINES[held + 1 :]])) == held / 5
    for form in ("", "58-51=7", "\n".join([*LINES, "4*1=4"]), "\n".join([*LINES[:3], "x"]), "So:\n" + "\n".join(LINES)):
        assert grade(form) == 0


def test_padding_does_not_pay():
    solved, missed = "\n".join(LINES), "\n".join([*LINES[:3], "7--3=10"])
    for response in (solved, missed, "\n".join(LINES[:2]), ""):
        for padding in ("\n\n", "\n4*1=4", "\n58-51=7", "\n4-4=0", " ", "\n# done", "\n" * MAX_RESPONSE_CHARS):
            for padded in (response + padding, padding.lstrip("\n") + "\n" + response, response + padding * 9):
                assert grade(padded) <= grade(response)
                assert grade(padded) == 0
    # A trivial step uses up numbers: with one 1 to multiply by, there is only one such step.
    assert grade("7*1=7\n7*1=7", [1, 5, 7], 35) == 1 / 3
    assert grade("7*1=7\n5*7=35", [1, 5, 7], 35) == 1
    assert grade("7*1=7\n7-5=2", [1, 5, 7], 35) == 2 / 3


EQUATIONS = st.sampled_from(
    [*LINES, "7*1=7", "7-7=0", "3+6=9", "9-7=2", "51+7=58", "58-58=0", "0*2=0", "6/3=2", "x", ""]
)


@given(st.lists(EQUATIONS, max_size=8), st.lists(EQUATIONS | st.text(max_size=5), min_size=1, max_size=8))
@settings(max_examples=500)
def test_no_extra_line_raises_the_grade(lines, extra):
    """Text after N-1 equations does not raise the grade, and only a correct response earns 1."""
    response = "\n".join(lines)
    value = grade(response)
    assert 0 <= value <= 1 and (value == 1) == verify(NUMBERS, TARGET, response).correct
    if len(lines) >= 4:
        assert grade("\n".join([*lines, *extra])) <= value


@given(
    st.text() | st.text("0123456789+-*/=\n"), st.lists(st.integers(-9, 9), min_size=1, max_size=5), st.integers(-9, 9)
)
def test_the_grade_is_bounded_on_any_text(response, numbers, target):
    value = grade(response, numbers, target)
    assert value == 1 if verify(numbers, target, response).correct else 0 <= value < 1


def test_conversations_and_other_columns():
    solved = "\n".join(LINES)
    completions = [
        [{"role": "assistant", "content": solved}],
        [{"role": "assistant", "content": "wait"}, {"role": "assistant", "content": solved}],
        [{"role": "assistant", "content": [{"type": "text", "text": solved}]}],
        [{"role": "assistant", "content": None}],
        [],
    ]
    columns = {"numbers": [NUMBERS] * 5, "target": [TARGET] * 5}
    extra = {"prompts": [""] * 5, "completion_ids": [[]] * 5, "trainer_state": None, "n": [5] * 5}
    assert reward(completions=completions, **columns, **extra) == [1, 1, 1, 0, 0]
    assert graded_reward(completions=completions, **columns, **extra) == [1, 1, 1, 0, 0]
    with pytest.raises(ValueError):
        reward([solved], [NUMBERS, NUMBERS], [TARGET])


def test_grpo_trainer_takes_both(tmp_path):
    """In two training steps of a tiny random model, TRL calls the rewards with the dataset's columns and logs them."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from arith_puzzle.training.tiny import build_tokenizer, init_model

    seen = []

    def watched(completions, numbers, target, **rest):
        values = reward(completions, numbers, target, **rest)
        seen.extend(zip(completions, numbers, target, values, strict=True))
        return values

    rows = [
        {"prompt": "2,3:5\n", "numbers": [2, 3], "target": 5},
        {"prompt": "2,3:6\n", "numbers": [2, 3], "target": 6},
    ]
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    tokenizer = build_tokenizer()
    trainer = GRPOTrainer(
        model=init_model(shape, tokenizer, seed=0),
        processing_class=tokenizer,
        reward_funcs=[watched, graded_reward],
        train_dataset=Dataset.from_list(rows * 4),
        args=GRPOConfig(
            output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to=[], max_steps=2, logging_steps=1,
            per_device_train_batch_size=4, num_generations=4, max_completion_length=8, beta=0.0, save_strategy="no",
            reward_weights=[1.0, 0.1], disable_tqdm=True, activation_checkpointing=False,
        ),
    )  # fmt: skip
    trainer.train()
    assert trainer.state.global_step == 2
    assert len(seen) >= 8 and all(verify(n, t, c).correct == value for c, n, t, value in seen)
    logged = trainer.state.log_history[0]
    assert {"rewards/watched/mean", "rewards/graded_reward/mean"} <= set(logged)


@pytest.mark.parametrize("function", [reward, graded_reward])
def test_a_column_that_is_not_of_integers_is_an_error_and_tensors_are_read(function):
    """Both gave 0.0 without a word."""
    np, torch = pytest.importorskip("numpy"), pytest.importorskip("torch")
    for numbers, target in (
        ([["2", "3"]], [5]),
        (["23"], [5]),
        ([[2, 3.0]], [5]),
        ([[2, 3]], ["5"]),
        ([[2, True]], [3]),
    ):
        with pytest.raises(ValueError, match=r"must be an? (list of )?integers?"):
            function(["2+3=5"], numbers=numbers, target=target)
    assert function(["2+3=5"], numbers=torch.tensor([[2, 3]]), target=torch.tensor([5])) == [1.0]
    assert function(["2+3=5"], numbers=np.array([[2, 3]]), target=np.array([5])) == [1.0]


def test_metric_and_lenient_reward_read_the_rows_rules_unless_others_are_given():
    row = {"numbers": [2, 5, 9], "target": 14, "rule": "subset", "division": "rational", "form": "expression"}
    columns = {name: [value] for name, value in row.items()}
    assert reward_for(lenient=True)(["<answer>9 + 5</answer>"], **columns) == [1.0]
    assert reward_for(lenient=True, rule="all", form="expression")(["<answer>9 + 5</answer>"], **columns) == [0.0]
    assert aggregate(["9+5"], [row])["pass@1"] == 1.0
    assert aggregate(["9+5"], [row], rule="all")["reasons"] == {"unused_number": 1.0}
    with pytest.raises(ValueError, match="references 0 and 1 state different rules"):
        aggregate(["9+5", "9+5"], [row, row | {"rule": "all"}])
    metric = load_metric()
    assert metric.compute(predictions=["9+5"], references=[row])["pass@1"] == 1.0
    metric.add(prediction="9+5", reference=row)
    assert metric.compute()["pass@1"] == 1.0
    assert metric.compute(predictions=["9+5=14"], references=[{"numbers": [5, 9], "target": 14}])["pass@1"] == 1.0


DRESSED = {
    "thought": "<think>3 and 6 …</think>\n{}",
    "tag": "<answer>\n{}\n</answer>",
    "spaces": "{}",
    "newline": "\n{}",
    "search": "9-5=4\n3,4,7:24\n7,4:27,21\n\n3,5,7,9:24\n7-5=2\n:\n{}",
}


@pytest.mark.parametrize("dress", DRESSED)
def test_the_lenient_rewards_read_what_models_write(dress):
    solution = "7-5=2\n9+3=12\n12*2=24"
    text = DRESSED[dress].format(solution.replace("=", " = ") if dress == "spaces" else solution)
    columns = {"numbers": [[3, 5, 7, 9]], "target": [24]}
    assert reward([text], **columns) == graded_reward([text], **columns) == [0.0]
    assert reward_for(lenient=True)([text], **columns) == graded_reward_for(lenient=True)([text], **columns) == [1.0]
    wrong = DRESSED[dress].format(solution.replace("12*2=24", "12*2=25"))
    assert reward_for(lenient=True)([wrong], **columns) == [0.0]
    assert graded_reward_for(lenient=True)([wrong], **columns) == [0.5]


@pytest.mark.parametrize("function", [reward, graded_reward, reward_for(lenient=True)])
def test_a_column_that_is_missing_or_a_completion_that_is_not_text_is_one_line(function):
    with pytest.raises(ValueError, match=r"no column numbers \(or nums\)"):
        function(["2+3=5"], target=[5])
    with pytest.raises(ValueError, match="no column target"):
        function(["2+3=5"], numbers=[[2, 3]])
    for completion in (7, [7], None, [{"content": [7]}]):
        with pytest.raises(ValueError, match="a completion must be text or a list of messages"):
            function([completion], numbers=[[2, 3]], target=[5])
    assert function(["2+3=5"], nums=[[2, 3]], target=[5]) == [1.0]


RIGHT, WRONG = "2*3=6\n6+7=13", "2+3=5\n5+7=12"


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\n2,3,7:13\n2*3=6\n6,7:13\n:\n{RIGHT}",
        f"<del>2,3,7:13\n2*3=6\n:\n{RIGHT}",
        f"{WRONG}</s>\n2,3,7:13\n:\n{RIGHT}",
        f"2,3,7:13\n<|user|>\n:\n{RIGHT}",
        f"<answer>{WRONG}</answer>\n2,3,7:13\n:\n{RIGHT}",
        f"The following is a WRONG attempt\n2,3,7:13\n:\n{RIGHT}",
        f"1,000: foo\n{WRONG}\n:\n{RIGHT}",
        f"2,3,7:13\n{WRONG}\nThat is my answer. The following is incorrect\n:\n{RIGHT}",
    ],
)
def test_only_a_search_has_a_marker(text):
    """What stands before the marker is a search, not a text that takes the answer back or has another one."""
    assert reward_for(lenient=True)([text], [[2, 3, 7]], [13]) == [0.0]
    assert reward_for(lenient=True)([f"2*3=6\n6,7:13\n:\n{RIGHT}"], [[2, 3, 7]], [13]) == [1.0]
