"""Training with the real libraries: which weights change, what a run writes, how it resumes, and its errors."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml
from safetensors.torch import load_file

from arith_puzzle.common.errors import InputError
from arith_puzzle.training.models import load_model
from arith_puzzle.training.recipe import load_recipe
from arith_puzzle.training.run import claim, contents, last_checkpoint
from arith_puzzle.training.sft import train
from arith_puzzle.training.tiny import CHARACTERS, build_tokenizer
from tests.paths import ROOT

SFT = {
    "max_steps": 12, "per_device_train_batch_size": 8, "learning_rate": 1.0e-2, "bf16": False, "report_to": "none",
    "activation_checkpointing": False, "dataloader_pin_memory": False, "logging_steps": 2, "save_steps": 3,
    "save_total_limit": 1, "use_cpu": True,
}  # fmt: skip


def write_recipe(folder, base, *, lora=True, rows=200, pack=None, **sft):
    path = folder / "recipe.yaml"
    recipe = {"name": "t", "dataset": {"rows": rows}, "model": {"base": str(base)}, "sft": SFT | sft, "pack": pack}
    if lora:
        recipe["lora"] = {"r": 4, "lora_dropout": 0.1}
    path.write_text(yaml.safe_dump(recipe))
    return path


def test_tokenizer_has_one_token_a_character_and_round_trips():
    tokenizer = build_tokenizer()
    text = "3,6,7,51,58:4\n58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4\n90/2=45"
    ids = tokenizer(text)["input_ids"]
    assert ids[0] == tokenizer.bos_token_id and len(ids) == len(text) + 1
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert len({*tokenizer(CHARACTERS)["input_ids"]}) == len(CHARACTERS) + 1
    assert len({tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id}) == 3


@pytest.mark.parametrize("logging_steps", [2, 100], ids=["logged", "seen at the end"])
def test_a_loss_that_is_no_number_is_one_line(starter, small_base, tmp_path, logging_steps):
    bad = {"learning_rate": 1.0e30, "max_grad_norm": 0.0, "logging_steps": logging_steps}
    recipe = load_recipe(write_recipe(tmp_path, small_base, **bad))
    with pytest.raises(InputError, match=r"the loss became (nan|inf) by step \d+; lower sft.learning_rate") as caught:
        train(recipe, tmp_path / "out", dataset=str(starter[0]))
    assert "\n" not in str(caught.value) and not (tmp_path / "out" / "run.json").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(trained, starter, small_disk):
    """On a real file system: a run fails without room for a checkpoint, and with room ends with the usual weights."""
    recipe, whole = trained
    out = small_disk(200_000) / "out"
    with pytest.raises(InputError, match=r"no space left in .* resumes from the last complete checkpoint") as caught:
        train(recipe, out, dataset=str(starter[0]))
    assert "\n" not in str(caught.value) and not (out / "run.json").exists()
    out = small_disk(50_000_000) / "out"
    train(recipe, out, dataset=str(starter[0]))
    one, two = (load_file(path / "adapter_model.safetensors") for path in (whole, out))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module", params=[pytest.param(None, marks=pytest.mark.slow), 70], ids=["padded", "packed"])
def trained(request, starter, small_base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    recipe = load_recipe(write_recipe(folder, small_base, pack=request.param))
    return recipe, train(recipe, folder / "out", dataset=str(starter[0]))


def test_the_adapter_moved_and_the_base_did_not(trained, small_base):
    recipe, out = trained
    adapter = load_file(out / "adapter_model.safetensors")
    moved = [name for name, weight in adapter.items() if "lora_B" in name and weight.abs().max() > 0]
    assert moved and len(moved) == len([name for name in adapter if "lora_B" in name])  # B starts at zero
    assert not [name for name in adapter if "lora" not in name]
    model, _ = load_model(recipe)
    before = load_file(small_base / "model.safetensors")
    after = model.state_dict()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())


def test_the_run_is_recorded_and_nothing_pickled_is_left(trained, starter):
    recipe, out = trained
    run = json.loads((out / "run.json").read_text())
    assert run["recipe_digest"] == recipe.digest and run["rows"] == 200 and run["recipe"]["seed"] == 0
    assert run["versions"]["trl"] and run["base_sha256"]
    assert run["content"] == contents(recipe, str(starter[0])) and all(run["content"].values())
    assert [entry["step"] for entry in run["log"] if "loss" in entry] == [2, 4, 6, 8, 10, 12]
    assert str(starter[0]) not in (out / "run.json").read_text(), "a published file contains no local path"
    left = {path.suffix for path in out.rglob("*") if path.is_file()}
    assert not left & {".bin", ".pt", ".pth", ".pkl"}, left


def test_a_finished_run_is_left_alone_and_another_recipe_is_refused(trained, starter, tmp_path, small_base):
    recipe, out = trained
    before = (out / "run.json").stat().st_mtime_ns
    assert train(recipe, out, dataset=str(starter[0])) == out
    assert (out / "run.json").stat().st_mtime_ns == before
    other = load_recipe(write_recipe(tmp_path, small_base, max_steps=2))
    with pytest.raises(InputError, match="another recipe's run"):
        train(other, out, dataset=str(starter[0]))


@pytest.fixture
def own_data(tmp_path):
    """A function that writes a dataset of one's own, without a manifest, whose rows depend on a number."""

    def write(number: int, folder=tmp_path / "data"):
        folder.mkdir(exist_ok=True)
        rows = [
            {"prompt": f"{a},{number}:{a + number}\n", "completion": f"{a}+{number}={a + number}"} for a in range(200)
        ]
        (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "README.md").write_text("---\nconfigs: [{config_name: starter, data_files: train.jsonl}]\n---\n")
        return str(folder)

    return write


def test_data_whose_rows_were_replaced_are_other_data(own_data, small_base, tmp_path):
    """In the same folder: a new run trains on the new rows, and the old run is not this one."""
    recipe = load_recipe(write_recipe(tmp_path, small_base))
    weights = []
    for number in (1, 2):
        train(recipe, tmp_path / f"run-{number}", dataset=own_data(number))
        weights.append(load_file(tmp_path / f"run-{number}" / "adapter_model.safetensors"))
    assert not all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert train(recipe, tmp_path / "run-2", dataset=own_data(2, tmp_path / "copy")), "the same rows elsewhere"
    with pytest.raises(
        InputError, match=r"the run in .*run-1 is of another dataset; choose another folder, or delete it"
    ):
        train(recipe, tmp_path / "run-1", dataset=own_data(2))


@pytest.mark.parametrize("unfinished", [False, True])
def test_a_run_of_another_dataset_or_base_is_refused(starter, own_data, small_base, tmp_path, unfinished):
    out, base = tmp_path / "out", tmp_path / "base"
    shutil.copytree(small_base, base)
    recipe = load_recipe(write_recipe(tmp_path, base))
    train(recipe, out, dataset=str(starter[0]))
    if unfinished:
        (out / "run.json").unlink()
        (out / "checkpoints" / "checkpoint-3").mkdir(parents=True)
        (out / "checkpoints" / "checkpoint-3" / "trainer_state.json").write_text("{}")
    what = "unfinished run" if unfinished else "run"
    with pytest.raises(InputError, match=f"the {what} in .* is of another dataset"):
        train(recipe, out, dataset=own_data(1))
    with pytest.raises(InputError, match=r"the dataset '.*nowhere' is neither a folder nor the id of a Hub repo"):
        train(recipe, out, dataset=str(tmp_path / "nowhere"))
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-3}))
    with pytest.raises(InputError, match=f"the {what} in .* is of another base"):
        train(recipe, out, dataset=str(starter[0]))


def complete_checkpoint(folder) -> bool:
    """Whether a checkpoint is complete. On a busy machine its last file is there for a while before its content is."""
    for path in folder.glob("checkpoints/checkpoint-*/trainer_state.json"):
        with contextlib.suppress(OSError, ValueError):
            return bool(json.loads(path.read_text()))
    return False


def test_killed_and_started_again_it_ends_with_the_same_weights(trained, starter, small_base):
    """SIGKILL after the first checkpoint of an ``accelerate launch``, then a half-written checkpoint is added."""
    _, whole = trained
    folder = whole.parent / "killed"
    command = [
        sys.executable, "-m", "accelerate.commands.launch",
        "--config_file", str(ROOT / "training/accelerate/single.yaml"), str(ROOT / "training/sft.py"),
        "--recipe", str(whole.parent / "recipe.yaml"), "--dataset", str(starter[0]), "--out", str(folder),
    ]  # fmt: skip
    child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while not complete_checkpoint(folder) and time.monotonic() < deadline:
        assert child.poll() is None, "the training ended before it was killed"
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert not (folder / "run.json").exists()
    (folder / "checkpoints" / "checkpoint-9999").mkdir()
    subprocess.run(command, check=True, capture_output=True)
    one, two = (load_file(path / "adapter_model.safetensors") for path in (whole, folder))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    one, two = (json.loads((path / "run.json").read_text()) for path in (whole, folder))
    assert two["resumed_from_step"] and two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-2)


def test_a_broken_checkpoint_is_removed(tmp_path):
    for step in (3, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (tmp_path / "checkpoint-3" / "trainer_state.json").write_text("{}")
    (tmp_path / "checkpoint-12" / "trainer_state.json").write_text('{"half')
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-3")
    assert not (tmp_path / "checkpoint-12").exists()


def test_only_the_first_of_a_runs_processes_takes_the_lock(trained, tmp_path, monkeypatch):
    """A lock on a shared disk may hold on all machines."""
    recipe, _ = trained
    with claim(tmp_path / "out", recipe, {}):
        with pytest.raises(InputError, match="another process is training in"):
            claim(tmp_path / "out", recipe, {})
        monkeypatch.setenv("RANK", "8")
        monkeypatch.setenv("LOCAL_RANK", "0")
        with claim(tmp_path / "out", recipe, {}):
            pass
    assert json.loads((tmp_path / "out" / "recipe.json").read_text())["digest"] == recipe.digest


def test_a_run_is_resumed_with_the_number_of_processes_it_began_with(trained, tmp_path, monkeypatch):
    recipe, _ = trained

    def claim_and_release():
        with claim(tmp_path, recipe, {}):
            pass

    monkeypatch.setenv("WORLD_SIZE", "8")
    claim_and_release()
    monkeypatch.delenv("WORLD_SIZE")
    claim_and_release()  # no checkpoint exists, so nothing is resumed
    monkeypatch.setenv("WORLD_SIZE", "8")
    claim_and_release()
    (tmp_path / "checkpoints" / "checkpoint-3").mkdir(parents=True)
    (tmp_path / "checkpoints" / "checkpoint-3" / "trainer_state.json").write_text("{}")
    monkeypatch.delenv("WORLD_SIZE")
    with pytest.raises(InputError, match=r"began with 8 process\(es\); resume it with 8"):
        claim_and_release()


def test_the_script_of_another_checkout_is_refused_in_one_line(tmp_path):
    """It would train with the installed package's code, not with its own."""
    script = tmp_path / "training" / "sft.py"
    script.parent.mkdir()
    shutil.copyfile(ROOT / "training" / "sft.py", script)
    launch = ["-m", "arith_puzzle.training.launch", "--config_file", str(ROOT / "training/accelerate/single.yaml")]
    arguments = ["--recipe", "tiny_cpu", "--out", str(tmp_path / "out")]
    for start in ([], launch):
        command = [sys.executable, *start, str(script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert f"{script} is not part of the installed package, which has {ROOT / 'training/sft.py'}" in done.stderr
        assert f"run: pip install -e {tmp_path}" in done.stderr
    assert not (tmp_path / "out").exists()


def test_without_trackio_the_error_is_the_install_command(starter, small_base, tmp_path, monkeypatch):
    recipe = load_recipe(write_recipe(tmp_path, small_base, report_to="trackio"))
    there = importlib.util.find_spec
    without = lambda name, *more: None if name == "trackio" else there(name, *more)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(InputError, match=r"pip install 'arith-puzzle\[curves\]', or set sft\.report_to: none"):
        train(recipe, tmp_path / "out", dataset=str(starter[0]))


@pytest.mark.slow
def test_offline_the_adapter_records_its_bases_commit_and_trackio_the_curve(starter, small_base, tmp_path):
    """With the real clients and their caches. The recipe names no revision, so the base's commit is that of main."""
    repo = tmp_path / "hub" / "models--someone--base"
    shutil.copytree(small_base, repo / "snapshots" / ("2" * 40), ignore=shutil.ignore_patterns("trackio"))
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("2" * 40)
    recipe = write_recipe(tmp_path, "someone/base", rows=8, max_steps=2, logging_steps=1, report_to="trackio")
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(ROOT / "training" / "sft.py"), "--recipe", str(recipe), "--dataset",
               str(starter[0]), "--out", str(tmp_path / "out")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env=environment | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr[-2000:]
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("someone/base", "2" * 40)

    environment["TRACKIO_DIR"] = str(tmp_path / "out" / "trackio")  # as `trackio show --project t` is started

    def ask(*words):
        command = [sys.executable, "-c", "from trackio.cli import main; main()", *words, "--project", "t", "--json"]
        return json.loads(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)

    (name,) = ask("list", "runs")["runs"]
    values = ask("get", "metric", "--run", name, "--metric", "train/loss")["values"]
    log = json.loads((tmp_path / "out" / "run.json").read_text())["log"]
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert [each["value"] for each in values] == losses and len(losses) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"per_device_train_batch_size": 0}, "batch_size should be a positive integer"),
        ({"gradient_accumulation_steps": 0}, "division"),
        ({"learning_rate": "high"}, "not supported between"),
    ],
)
def test_sft_values_that_the_trainer_refuses_are_one_line(starter, small_base, tmp_path, changes, said):
    recipe = load_recipe(write_recipe(tmp_path, small_base, **changes))
    with pytest.raises(InputError, match=f"t: the training does not start: .*{said}.*; check the") as caught:
        train(recipe, tmp_path / "out", dataset=str(starter[0]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["norm"], r"PEFT refuses the lora section: Target module LlamaRMSNorm.* is not supported"),
        ("(", r"PEFT refuses the lora section, target_modules '\(': missing \), unterminated subpattern"),
        (
            ["q_proj", "embed_tokens"],
            r"includes model\.embed_tokens, and the base uses its weights twice.*leave it out",
        ),
        (["lm_head"], "includes lm_head, the output layer, and TRL computes the loss from its weights alone"),
        (["query"], "'query'.* names no module of the base; its modules with weights are down_proj, embed_tokens, "),
    ],
)
def test_target_modules_that_cannot_be_merged_trained_or_found_are_refused(
    starter, small_base, tmp_path, targets, said
):
    path = write_recipe(tmp_path, small_base)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"lora": {"r": 2, "target_modules": targets}}))
    with pytest.raises(InputError, match=said):
        train(load_recipe(path), tmp_path / "out", dataset=str(starter[0]))
    assert not list((tmp_path / "out").glob("*.safetensors"))


def test_full_parameter_training_from_a_base(starter, small_base, tmp_path):
    recipe = load_recipe(write_recipe(tmp_path, small_base, lora=False, max_steps=2))
    out = train(recipe, tmp_path / "out", dataset=str(starter[0]))
    before, after = (load_file(path / "model.safetensors") for path in (small_base, out))
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_a_base_that_is_not_there_is_one_line(starter, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    recipe = load_recipe(write_recipe(tmp_path, "no/such/model", rows=10))
    with pytest.raises(InputError, match="the base 'no/such/model' is neither a folder nor the id") as caught:
        train(recipe, tmp_path / "out", dataset=str(starter[0]))
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory):
    from arith_puzzle.training.smollm2 import convert

    return convert(tmp_path_factory.mktemp("smollm2") / "smollm2-135m")


@pytest.mark.slow
def test_the_gpu_recipe_that_searches_at_toy_size(smollm2, starter, tmp_path):
    """Training and scores differ from those on a GPU only in precision, sizes and hardware."""
    from arith_puzzle.evaluation.score import score

    shipped = yaml.safe_load((ROOT / "training/recipes/smollm2_135m_search_gpu.yaml").read_text())
    del shipped["needs"], shipped["model"]["dtype"]
    shipped["model"]["base"] = str(smollm2)
    shipped["dataset"] |= {"config": "starter", "rows": 6}
    shipped["drills"]["rows"] = 40
    shipped["pack"] = 640
    shipped["sft"] |= {"max_steps": 2, "per_device_train_batch_size": 1, "bf16": False, "report_to": "none",
                       "use_cpu": True, "dataloader_pin_memory": False}  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(shipped))
    recipe = load_recipe(tmp_path / "recipe.yaml")
    out = train(recipe, tmp_path / "out", dataset=str(starter[0]))
    record = json.loads((out / "run.json").read_text())
    assert record["recipe"]["dataset"]["format"] == "search" and record["trainable_parameters"] > 10**7
    assert record["trained_tokens_per_epoch"] > 0.6 * record["tokens_per_epoch"], "the search is most of a row"
    results = score(str(smollm2), str(out), str(starter[0]), "starter", ["test"], tmp_path / "score", limit=2,
                    prompt_format=recipe.score.format, max_new_tokens=12)  # fmt: skip
    assert results["decoding"]["format"] == "search" and results["splits"]["test"]["n"] == 2
    lines = [json.loads(line) for line in (tmp_path / "score" / "generations-test.jsonl").open()]
    assert all(line["raw"].endswith(line["response"]) for line in lines)


@pytest.mark.slow
def test_smollm2_trains_and_only_its_adapter_moves(smollm2, starter, tmp_path_factory):
    """A few LoRA steps on a real pretrained base, from its wheel, with the settings of the package's recipe."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, base = tmp_path_factory.mktemp("smollm2"), smollm2
    shipped = yaml.safe_load((ROOT / "training/recipes/smollm2_135m.yaml").read_text())
    shipped["model"]["base"] = str(base)
    shipped["dataset"]["rows"] = 8
    shipped["sft"] |= {"max_steps": 2, "per_device_train_batch_size": 4, "report_to": "none", "use_cpu": True}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(shipped))
    before = load_file(base / "model.safetensors")
    recipe = load_recipe(folder / "recipe.yaml")
    out = train(recipe, folder / "out", dataset=str(starter[0]))

    adapter = load_file(out / "adapter_model.safetensors")
    assert all(weight.abs().max() > 0 for name, weight in adapter.items() if "lora_B" in name)
    after = load_file(base / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)

    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    for text in ("0123456789", "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4", "3,6,7,51,58:4\n"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    answer = model.generate(**tokenizer("The capital of France is", return_tensors="pt"), max_new_tokens=3)
    assert "Paris" in tokenizer.decode(answer[0]), "these are the pretrained weights"
