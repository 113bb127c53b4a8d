"""A recipe's CPU processes: the launcher starts them, another number is refused, and no GPU is meant."""

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from arith_puzzle.common.errors import InputError
from arith_puzzle.training.launch import launch
from arith_puzzle.training.recipe import check_hardware, load_recipe
from tests.fixtures.models import CPU

RECIPE = {
    "name": "two", "processes": 2, "dataset": {"rows": 64}, "lora": {"r": 2}, "optimizer": "muon",
    "sft": CPU | {"max_steps": 3, "per_device_train_batch_size": 4, "logging_steps": 1},
}  # fmt: skip


def _write(folder, base, **changes):
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(RECIPE | {"model": {"base": str(base)}} | changes))
    return path


@pytest.mark.slow
def test_the_launcher_starts_the_recipes_processes(small_base, starter, tmp_path):
    path = _write(tmp_path, small_base)
    assert launch(path, out=tmp_path / "run", dataset=starter[0]) == 0
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["hardware"]["processes"] == 2 and run["recipe"]["processes"] == 2
    assert run["log"][0]["step"] == 1 and (tmp_path / "run" / "adapter_model.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "processes"),
    [(signal.SIGTERM, None), (signal.SIGKILL, None), (signal.SIGHUP, 2), (signal.SIGKILL, 2)],
)  # fmt: skip
def test_a_stopped_training_leaves_no_process(small_base, starter, tmp_path, number, processes):
    """The signal goes to ``arith-puzzle train`` alone, in the middle of the training."""
    sft = RECIPE["sft"] | {"max_steps": 100_000, "logging_steps": 1, "save_steps": 5, "report_to": "none"}
    path = _write(tmp_path, small_base, processes=processes, sft=sft)
    command = [
        sys.executable,
        "-m",
        "arith_puzzle.cli",
        "train",
        path,
        "--dataset",
        starter[0],
        "--out",
        tmp_path / "r",
    ]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # nohup, under which tests may run, ignores it
    ) as train:  # fmt: skip
        deadline = time.monotonic() + 600
        while not list(tmp_path.glob("r/checkpoints/checkpoint-*/trainer_state.json")):
            assert train.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        children = psutil.Process(train.pid).children(recursive=True)
        assert len(children) >= (processes or 1)
        train.send_signal(number)
        assert train.wait(600) == (-number if number == signal.SIGKILL else 128 + number)
    _, left = psutil.wait_procs(children, timeout=600 if number == signal.SIGKILL else 0)
    assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


def test_another_number_of_processes_is_refused(small_base, tmp_path):
    with pytest.raises(InputError, match="trains with 2 processes and this run has 1; start it by arith-puzzle train"):
        check_hardware(load_recipe(_write(tmp_path, small_base)))


def test_processes_share_a_cpu_and_count_in_the_digest(small_base, tmp_path):
    with pytest.raises(InputError, match=r"'processes' share a CPU; set sft\.use_cpu: true"):
        load_recipe(_write(tmp_path, small_base, sft={"max_steps": 1}))
    two = load_recipe(_write(tmp_path, small_base))
    assert two.digest != load_recipe(_write(tmp_path, small_base, processes=None)).digest
