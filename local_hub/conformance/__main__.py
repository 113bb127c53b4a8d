"""Run huggingface_hub's own tests against the local Hub and write the outcome of each to `results.json`.

    python -m arith_puzzle.local_hub.conformance [--suite huggingface_hub-2.4.0.tar.gz] [--only EXPRESSION]

The tests come from the source distribution of the installed release: from the package index, or the file that
`--suite` names. Only the address of the Hub is changed in them. The distribution has no `conftest.py`; `fixtures.py`
replaces it and starts the local Hub.

The suite's own marks deselect tests that need the production Hub's data, Xet or inference. Tests that send the Hub no
request are not counted: they test the client alone. pip installs pytest-mock, which the suite needs, into the temporary
folder. A run takes about three minutes. It also writes the table in ../README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from arith_puzzle.common.files import write_text

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE.parent / "README.md"
CI_HUB = "https://hub-ci.huggingface.co"
BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"
# The test files whose tests talk to a Hub. The other files test buckets, inference and the client alone.
FILES = [
    "auth", "cache_layout", "cli", "cli_discussions", "commit_api", "commit_scheduler", "copy_files",
    "file_download", "hf_api", "hf_file_system", "hub_mixin", "hub_mixin_pytorch", "lfs", "repocard",
    "snapshot_download", "tree_cache", "upload_pipeline", "utils_cache", "utils_errors", "utils_headers",
    "utils_http", "utils_pagination", "utils_telemetry", "verification",
]  # fmt: skip
MARKS = "not production and not xet and not inference"


def main(argv: list[str] | None = None) -> int:
    """Run the suite. Returns 0 if every counted test that failed has a reason in `reasons.json`, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m arith_puzzle.local_hub.conformance", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--suite", type=Path, help="file of the source distribution (default: downloaded by pip)")
    parser.add_argument("--only", default="", help="pytest -k expression: run only these tests and write no file")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="conformance-") as temporary:
        folder = Path(temporary)
        tests = _unpack(options.suite or _fetch(folder), folder)
        tried = _run(tests, folder, options.only)
    reasons = json.loads((HERE / "reasons.json").read_text())
    for name, test in tried.items():
        if test["outcome"] == "failed" and name in reasons:
            test |= {"outcome": "differs", "why": reasons[name]}
    failed = [name for name, test in tried.items() if test["outcome"] == "failed"]
    for name in failed:
        print(f"failed: {name}: {tried[name]['why']}")
    print(_table(tried))
    if not options.only:
        found = {
            "suite": f"huggingface_hub {version('huggingface_hub')}",
            "date": datetime.now(UTC).date().isoformat(),
            "marks": MARKS,
            "tests": dict(sorted(tried.items())),
        }
        write_text(RESULTS, json.dumps(found, indent=1) + "\n")
        write_text(README, readme_with_results(README.read_text()))
    return 1 if failed else 0


def _fetch(folder: Path) -> Path:
    name = f"huggingface_hub=={version('huggingface_hub')}"
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, name], check=True)
    return next(folder.glob("huggingface_hub-*.tar.gz"))


def _unpack(suite: Path, folder: Path) -> Path:
    with tarfile.open(suite) as archive:
        members = [member for member in archive.getmembers() if member.name.split("/")[1:2] == ["tests"]]
        archive.extractall(folder, members, filter="data")
    tests = folder / members[0].name.split("/")[0] / "tests"
    (tests / "__init__.py").touch()
    (tests / "conftest.py").write_text((HERE / "fixtures.py").read_text())
    return tests


def _run(tests: Path, folder: Path, only: str) -> dict[str, dict]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    for file in tests.glob("*.py"):
        if file.name != "conftest.py":
            file.write_text(file.read_text().replace(CI_HUB, endpoint))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder / "extra"]
    subprocess.run(
        [*install, "pytest-mock", "jedi", "parso"], check=True
    )  # imported by the suite, and no requirement of ours
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    env |= {
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join([str(folder / "extra"), str(HERE.parents[2])]),
        "CONFORMANCE_OUT": str(folder / "tried.json"),
    }
    (tests.parent / "pytest.ini").write_text("[pytest]\nmarkers =\n" + "".join(f"    {mark}\n" for mark in _MARKERS))
    files = [f"tests/test_{name}.py" for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-m", MARKS, "-p", "no:cacheprovider", "-p", "no:randomly"]
    command += ["--tb=line", "-W", "ignore", *(["-k", only] if only else []), *files]
    done = subprocess.run(command, cwd=tests.parent, env=env)
    if done.returncode not in (0, 1, 5):
        raise SystemExit(done.returncode)
    return json.loads((folder / "tried.json").read_text())


_MARKERS = ["api", "transfer", "inference", "xet", "no_xet", "production", "deprecated", "git_lfs", "vcr", "asyncio"]


def _table(tried: dict[str, dict]) -> str:
    groups: dict[str, Counter] = {}
    for name, test in tried.items():
        group = name.split("::")[:2]
        shown = f"`{group[0].removeprefix('tests/')}` {group[1] if group[1].startswith('Test') else ''}".strip()
        groups.setdefault(shown, Counter())[test["outcome"]] += 1
    columns = ["passed", "differs", "not served", "failed", "skipped"]
    total = sum(groups.values(), Counter())
    lines = ["| tests | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for name, counts in [*sorted(groups.items()), ("**all**", total)]:
        lines.append(f"| {name} | " + " | ".join(str(counts[column] or "") for column in columns) + " |")
    return "\n".join(lines)


def readme_with_results(readme: str) -> str:
    """Replace the part of ../README.md between the marks by the table of results and the reasons of differences."""
    found = json.loads(RESULTS.read_text())
    text = f"{found['suite']}, {found['date']}\n\n{_table(found['tests'])}\n"
    differs = {name: test for name, test in found["tests"].items() if test["outcome"] == "differs"}
    if differs:
        lines = [f"- `{name.partition('::')[2]}`: {test['why']}" for name, test in differs.items()]
        text += "\nDiffers:\n\n" + "\n".join(lines) + "\n"
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    sys.exit(main())
