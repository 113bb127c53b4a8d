"""Puzzles in the shape of Countdown datasets: their rows, and consumers that know nothing of this project."""

import json
import re
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset

import arith_puzzle
from arith_puzzle.cli import main
from arith_puzzle.dataset_builder.puzzle import puzzle_key
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.metrics.rewards import reward_for

SMALL = {"name": "small", "v": 50, "sizes": {3: 1, 4: 1},
         "splits": {"train": {"rows": 400}, "test": {"rows": 60, "labels": True}}}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("countdown")
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
    for template in ("chat", "base"):
        command = ["build", "--config", str(folder / "small.yaml"), "--style", "countdown", "--template", template]
        assert main([*command, "--out", str(folder / template)]) == 0
    return folder


def rows(folder, template, split):
    return load_dataset(str(folder / template), split=split, cache_dir=str(folder / "cache")).to_list()


def test_the_rows_are_the_configs_puzzles(folder):
    for split in ("train", "test"):
        ours = arith_puzzle.generate(str(folder / "small.yaml"), split, rows=400)
        found = rows(folder, "chat", split)
        assert [(sorted(row["nums"]), row["target"]) for row in found] == [
            (row["numbers"], row["target"]) for row in ours
        ]
        assert [row["difficulty"] for row in found] == [row["difficulty"] for row in ours]
        assert all(verify(row["nums"], row["target"], row["solution"], form="expression").correct for row in found)
        assert {puzzle_key(row["nums"], row["target"]) >> 59 == 1 for row in found} == {split == "test"}
    assert any(row["nums"] != sorted(row["nums"]) for row in found)


def test_the_prompts_are_tinyzeros(folder):
    chat, base = (rows(folder, template, "test")[0] for template in ("chat", "base"))
    question = f"Using the numbers {chat['nums']}, create an equation that equals {chat['target']}."
    assert [message["role"] for message in chat["prompt"]] == ["system", "user"]
    assert chat["prompt"][1]["content"].startswith(question)
    assert f"User: {question}" in base["prompt"] and base["prompt"].endswith("step by step.\n<think>")


def test_complete_files_are_kept_and_others_refused(folder, tmp_path, capsys):
    file = folder / "chat" / "data" / "test-00000.parquet"
    before = file.stat().st_mtime_ns
    command = ["build", "--config", str(folder / "small.yaml"), "--style", "countdown", "--out", str(folder / "chat")]
    assert main(command) == 0 and file.stat().st_mtime_ns == before
    capsys.readouterr()
    for arguments, said in (
        ([*command, "--template", "base"], "is not a file of this build"),
        ([*command, "--seed", "1"], "is not a file of this build"),
        ([*command, "--paths", "2"], "--paths does nothing with --style countdown"),
        ([*command, "--executor", "local"], "--executor does nothing with --style countdown"),
        (["build", "--template", "base", "--out", str(tmp_path / "x")], "--template goes with --style countdown"),
    ):
        assert main(arguments) == 2
        assert said in capsys.readouterr().err.splitlines()[-1]
    (tmp_path / "x.parquet").write_bytes(b"no Parquet")
    assert pq.ParquetFile(file).metadata.num_rows == 60


def test_the_reward_reads_the_column_nums():
    reward = reward_for(form="expression", division="rational", lenient=True)
    answers = ["3*8=24</think>\n<answer>8/(3-8/3)</answer>", "<answer>24</answer>"]
    assert reward(answers, nums=[[3, 3, 8, 8]] * 2, target=[24] * 2) == [1.0, 0.0]
    with pytest.raises(ValueError, match=r"has no column numbers \(or nums\)"):
        reward(answers, target=[24, 24])


def test_an_unmodified_consumer_trains_on_it(folder, talker, tmp_path):
    """TRL's GRPOTrainer with reward functions in the form of the public Countdown examples: columns by name."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    seen = []

    def format_reward_func(completions, target, **kwargs):
        return [float(bool(re.search(r"<answer>.*</answer>", each[0]["content"]))) for each in completions]

    def equation_reward_func(completions, target, nums, **kwargs):
        seen.extend(zip(nums, target, strict=True))
        return [0.0 if len(given) < 3 else 0.1 * (goal % 7) for given, goal in zip(nums, target, strict=True)]

    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(talker),
        processing_class=AutoTokenizer.from_pretrained(talker),
        reward_funcs=[format_reward_func, equation_reward_func, reward_for(form="expression", lenient=True)],
        train_dataset=load_dataset(str(folder / "chat"), split="train", cache_dir=str(folder / "cache")),
        args=GRPOConfig(
            output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to=[], max_steps=1, logging_steps=1,
            per_device_train_batch_size=2, num_generations=2, max_completion_length=4, beta=0.0, save_strategy="no",
            disable_tqdm=True, activation_checkpointing=False,
        ),
    )  # fmt: skip
    trainer.train()
    puzzles = {(tuple(row["nums"]), row["target"]) for row in rows(folder, "chat", "train")}
    assert seen and all((tuple(nums), target) in puzzles for nums, target in seen)


@pytest.mark.slow
def test_reasoning_gyms_scorer_accepts_every_solution(folder, tmp_path):
    """Its scorer, unmodified, in an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "reasoning-gym==0.1.25"], check=True)
    (tmp_path / "rows.json").write_text(json.dumps(rows(folder, "base", "test")))
    code = (
        "import json; from reasoning_gym.games.countdown import CountdownConfig, CountdownDataset\n"
        "d = CountdownDataset(CountdownConfig(size=1))\n"
        "print({d.score_answer(r['solution'], {'metadata': {'numbers': r['nums'], 'target': r['target']}})"
        " for r in json.load(open('rows.json'))})"
    )
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "{1.0}\n", done.stderr
