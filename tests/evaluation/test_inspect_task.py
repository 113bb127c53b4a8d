"""The task with inspect-ai itself, in its own environment: its scores equal the metric's."""

import json
import os
import site
import subprocess
import sys
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arith_puzzle.dataset_builder.generate import SCHEMA
from arith_puzzle.dataset_builder.puzzle import natural_prompt, parse_puzzle
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.model_cards import benchmark
from arith_puzzle.training.data.pretraining_mix import drill_columns
from tests.paths import ROOT

ROWS = 20
BASE = ROOT / "training" / "bases" / "arith-tiny"
METRIC_ID, DATASET_ID, BASE_ID = "local/arith_puzzle_verifier", "local/arith-puzzle", "local/arith-tiny"


@pytest.fixture(scope="module")
def beside_inspect(tmp_path_factory):
    """A function that runs a command beside inspect-ai, which needs other library versions than the project."""
    home = tmp_path_factory.mktemp("inspect")
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    python = home / "venv" / "bin" / "python"
    packages = next((home / "venv" / "lib").glob("python3*")) / "site-packages"
    # torch, transformers and datasets are the project's; the packages that inspect-ai installs come first on the path
    (packages / "project.pth").write_text("\n".join(site.getsitepackages()))
    subprocess.run([python, "-m", "pip", "install", "--quiet", "inspect-ai==0.3.285"], check=True)

    def run(command, hub, cwd) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment |= {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home / "hf"), "XDG_CACHE_HOME": str(home / "cache"),
                        "XDG_DATA_HOME": str(home / "data"), "HF_HUB_DISABLE_XET": "1",
                        "OMP_NUM_THREADS": "1"}  # fmt: skip
        command = [home / "venv" / "bin" / command[0], *command[1:]]
        done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """The local Hub with the base, the staged Space of the metric, and puzzles that the base can solve."""
    from huggingface_hub import HfApi, constants

    from arith_puzzle.local_hub import running
    from arith_puzzle.release.stage import stage_metric

    root = tmp_path_factory.mktemp("hub")
    columns = drill_columns(2 * ROWS, 1, 0.0)  # N=3 and 4, numbers up to 20
    puzzles = [parse_puzzle(prompt) for prompt in columns["prompt"][:ROWS]]
    rows = [
        {"numbers": numbers, "target": target, "prompt": prompt, "completion": completion, "n": len(numbers)}
        for (numbers, target), prompt, completion in zip(
            puzzles, columns["prompt"][:ROWS], columns["completion"][:ROWS], strict=True
        )
    ]
    data = root / "data"
    (data / "starter").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), data / "starter" / "test.parquet")
    (data / "README.md").write_text(
        "---\nconfigs:\n- config_name: starter\n  data_files:\n  - {split: test, path: starter/test.parquet}\n---\n"
    )
    split = {"by_n": {"3": 1, "4": 1}, "v": 20, "at_least": 1}
    manifest = {"configs": {"starter": {"splits": {"train": split, "validation": split, "test": split}}}}
    (data / "eval.yaml").write_text(benchmark.eval_yaml(manifest, METRIC_ID))

    names = {"namespace": "local", "dataset": DATASET_ID, "config": "starter", "split": "test"}
    inputs = SimpleNamespace(ids={"dataset_id": DATASET_ID}, namespace="local", placeholders=lambda: names)
    stage_metric(root / "metric", inputs)
    xet, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, True
    with running(root / "hub") as served:
        api = HfApi(endpoint=served.endpoint, token=served.token)
        for repo, kind, folder in (
            (DATASET_ID, "dataset", data), (BASE_ID, "model", BASE), (METRIC_ID, "space", root / "metric")
        ):  # fmt: skip
            api.create_repo(repo, repo_type=kind, **({"space_sdk": "gradio"} if kind == "space" else {}))
            api.upload_folder(repo_id=repo, repo_type=kind, folder_path=folder)
        yield SimpleNamespace(endpoint=served.endpoint, rows=rows)
    constants.HF_HUB_DISABLE_XET = xet


MODEL = ["--model", f"hf/{BASE_ID}", "-M", "do_sample=false", "--max-tokens", "48", "-M",
         'chat_template="{{ messages[0].content }}"']  # fmt: skip


def evaluate(beside_inspect, hub, cwd, task):
    """Run `inspect eval` with the base. Return the log's samples, and scorer -> metric -> value."""
    options = [*MODEL, "--log-format", "json", "--log-dir", "logs", "--display", "plain"]
    beside_inspect(["inspect", "eval", *task, *options], hub, cwd)
    (path,) = (cwd / "logs").glob("*.json")
    log = json.loads(path.read_text())
    assert log["status"] == "success", log.get("error")
    return log["samples"], {
        item["name"]: {name: metric["value"] for name, metric in item["metrics"].items()}
        for item in log["results"]["scores"]
    }


@pytest.fixture
def task(hub, tmp_path):
    """The path of the task's file, relative to ``tmp_path``, downloaded as the card says."""
    from huggingface_hub import snapshot_download

    snapshot_download(METRIC_ID, repo_type="space", local_dir=tmp_path / "verifier", endpoint=hub.endpoint)
    return "verifier/inspect_task/task.py"


def text(sample):
    return sample["output"]["choices"][0]["message"]["content"]


@pytest.mark.slow
def test_the_task_scores_a_model_as_the_metric_does(beside_inspect, hub, task, tmp_path):
    """With the commands of the card: the task from the metric's Space, rows and model from the Hub."""
    arguments = [task, "-T", f"dataset={DATASET_ID}", "-T", "format=symbolic"]
    samples, found = evaluate(beside_inspect, hub, tmp_path, arguments)
    assert [sample["input"] for sample in samples] == [row["prompt"] for row in hub.rows]
    measured = aggregate([text(sample) for sample in samples], hub.rows)
    assert 0 < measured["pass@1"] < 1, "the comparison needs right and wrong answers"
    low, high = measured["pass@1_ci95"]
    by_n = {f"N={n}": value for n, value in measured["by_n"].items()}
    assert found["strict"] == pytest.approx({"accuracy": measured["pass@1"], "low": low, "high": high} | by_n)
    assert found["lenient"]["accuracy"] == pytest.approx(measured["pass@1_lenient"])
    reasons = [sample["scores"]["strict"]["metadata"]["reason"] for sample in samples]
    assert {reason: reasons.count(reason) / ROWS for reason in reasons} == pytest.approx(measured["reasons"])


@pytest.mark.slow
def test_the_benchmark_file_is_read_and_its_score_is_a_lower_bound(beside_inspect, hub, tmp_path):
    """`inspect eval hf/<dataset>` reads eval.yaml strictly; its scorer counts the reference solution only."""
    samples, found = evaluate(beside_inspect, hub, tmp_path, [f"hf/{DATASET_ID}"])
    answers = [text(sample) for sample in samples]
    same = sum(answer == row["completion"] for answer, row in zip(answers, hub.rows, strict=True)) / ROWS
    assert found["pattern"]["accuracy"] == pytest.approx(same)
    assert 0 < same <= aggregate(answers, hub.rows)["pass@1"]


@pytest.mark.slow
def test_it_asks_in_english_unless_told_otherwise(beside_inspect, hub, task, tmp_path):
    code = f"""
from task import arith_puzzle
print(repr(arith_puzzle(dataset={DATASET_ID!r}).dataset[0].input))
try:
    arith_puzzle(dataset={DATASET_ID!r}, format="latin")
except ValueError as error:
    print(error)
"""
    lines = beside_inspect(["python", "-c", code], hub, (tmp_path / task).parent).splitlines()
    first = hub.rows[0]
    assert lines == [
        repr(natural_prompt(first["numbers"], first["target"])),
        "format must be one of natural, symbolic, not 'latin'",
    ]
