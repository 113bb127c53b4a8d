"""Energy: counters are read as their makers define them, and what is not measured is said so, never estimated."""

import ctypes
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from arith_puzzle.training import energy
from arith_puzzle.training.energy import EnergyMeter


def _package(root, name, label, microjoules, range_uj=262_143_328_850):
    folder = root / name
    folder.mkdir(parents=True)
    for file, value in (("name", label), ("energy_uj", microjoules), ("max_energy_range_uj", range_uj)):
        (folder / file).write_text(f"{value}\n")
    return folder / "energy_uj"


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    """Two packages beside what must not be counted: a package's part, and the whole platform."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    first = _package(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    second = _package(tmp_path, "intel-rapl:1", "package-1", 262_143_000_000)
    _package(tmp_path, "intel-rapl:0:0", "core", 5)
    _package(tmp_path, "intel-rapl:2", "psys", 7)
    return first, second


def test_rapl_adds_packages_and_follows_a_counter_that_starts_again(powercap):
    first, second = powercap
    meter = EnergyMeter("cpu").start()
    first.write_text("1801000000\n")  # 1800 J
    second.write_text("1799671150\n")  # wrapped: 0.32885 J to the range's end, then 1799.67115 J
    measured = meter.stop()
    assert measured["kwh"] == pytest.approx(3600 / 3.6e6, abs=1e-9)
    assert "2 CPU package(s)" in measured["how"] and measured["seconds"] >= 0


def test_between_start_and_stop_the_counter_is_read_again_and_again(powercap, monkeypatch):
    monkeypatch.setattr(energy, "READ_EVERY", 0.01)
    meter = EnergyMeter("cpu").start()
    for joules in (262_143_000_000, 100_000_000, 262_143_000_000, 100_000_000):
        before = meter._last["package-0"]
        whole = powercap[0].with_suffix(".new")
        whole.write_text(f"{joules}\n")
        whole.replace(powercap[0])  # a kernel's file is never seen half-written
        for _ in range(1000):
            if meter._last["package-0"] != before:
                break
            meter._stopped.wait(0.01)
    kwh = meter.stop()["kwh"]
    once, across = (262_143_000_000 - 1_000_000) / 1e6, (100_000_000 + 328_850) / 1e6
    again = (262_143_000_000 - 100_000_000) / 1e6
    assert kwh == pytest.approx((once + across + again + across) / 3.6e6, rel=1e-6)


def test_a_counter_that_fails_midway_is_no_measurement(powercap):
    meter = EnergyMeter("cpu").start()
    powercap[0].unlink()
    measured = meter.stop()
    assert measured["kwh"] is None and "failed during the run" in measured["how"]


@pytest.mark.parametrize(
    ("kwh", "device", "total", "said"),
    [
        ([1.0, 2.5], "cuda", 3.5, "2 GPUs: NVML"),
        ([1.0, None], "cuda", None, "NVML of 1"),
        ([1.0, 1.0], "cpu", 1.0, "NVML"),
    ],
)
def test_the_gpus_of_all_processes_are_added_and_a_cpu_counts_once(monkeypatch, kwh, device, total, said):
    parts = [{"kwh": each, "how": f"NVML of {at}", "seconds": 3.0} for at, each in enumerate(kwh)]
    monkeypatch.setattr("accelerate.utils.gather_object", lambda mine: parts)
    accelerator = SimpleNamespace(num_processes=2, device=SimpleNamespace(type=device))
    found = energy.of_all_processes(parts[0], accelerator)
    assert found["kwh"] == total and found["how"].startswith(said) and found["seconds"] == 3.0


def test_without_a_counter_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "absent")
    monkeypatch.setattr(energy, "NVML", str(tmp_path / "absent.so"))
    assert EnergyMeter("cpu").start().stop()["how"] == "not measured: no counter on this machine"
    measured = EnergyMeter("cuda:0").start().stop()
    assert measured["kwh"] is None and "no NVML" in measured["how"]


LIBRARY = """
#include <string.h>
static unsigned long long millijoules = 10;
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    if (strcmp(uuid, "GPU-1-2-3")) return 6;
    *device = (void *)0x1234567890ab;
    return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *energy) {
    if (device != (void *)0x1234567890ab) return 2;
    *energy = millijoules;
    millijoules += 36000000000ULL;
    return SUPPORTED ? 0 : 3;
}
"""


@pytest.fixture
def nvml(tmp_path, monkeypatch):
    """A library with NVML's own signatures, by the C compiler; the real one needs the driver of a GPU."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")

    def build(uuid, supported):
        library = tmp_path / "libnvidia-ml.so"
        command = ["cc", "-shared", "-fPIC", f"-DSUPPORTED={supported}", "-x", "c", "-", "-o", str(library)]
        subprocess.run(command, input=LIBRARY, text=True, check=True)
        monkeypatch.setattr(energy, "NVML", str(library))
        monkeypatch.setattr(energy, "_uuid", lambda device: uuid)
        return library

    return build


def test_nvml_is_called_by_its_c_signatures(nvml):
    library = nvml("1-2-3", 1)
    measured = EnergyMeter("cuda:0").start().stop()
    # 36,000 kJ a reading: one when it is opened, one at start and one at stop, which differ by 10 kWh
    assert measured["kwh"] == pytest.approx(10.0) and "whole GPU" in measured["how"]
    assert ctypes.CDLL(str(library)).nvmlInit_v2() == 0


@pytest.mark.parametrize(
    ("uuid", "supported", "said"), [("9", 1, "does not know this GPU"), ("1-2-3", 0, "no energy counter")]
)
def test_a_gpu_without_a_counter_is_not_measured(nvml, uuid, supported, said):
    nvml(uuid, supported)
    measured = EnergyMeter("cuda").start().stop()
    assert measured["kwh"] is None and said in measured["how"]
