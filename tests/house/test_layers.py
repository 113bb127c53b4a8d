"""The house keeps its order: imports point one way, nothing private crosses modules, rooms and files stay small."""

import ast
from pathlib import Path

import pytest

from tests.paths import ROOT

LAYERS = [
    "common", "metrics", "dataset_builder", "environments", "training", "evaluation", "studies", "model_cards",
    "local_hub", "release", "cli",
]  # fmt: skip
"""Each folder imports itself and what stands before it. The local Hub knows only ``common``."""
FOLDERS = [name for name in LAYERS if name != "cli"]
PUSHED = ("metrics.arith_puzzle_verifier", "metrics.gsm8k_answer", "dataset_builder.loading_script", "release.as_user",
          "environments.openenv", "environments.verifiers")  # fmt: skip
"""Folders whose files run elsewhere: their siblings are imported by bare or relative names there."""
MOST_MODULES = 16
MOST_LINES = 400


def _modules() -> dict[str, Path]:
    """Dotted name without ``arith_puzzle`` -> file."""
    found = {f"cli.{path.stem}": path for path in (ROOT / "arith_puzzle" / "cli").glob("*.py")}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts)] = path
    return found


MODULES = _modules()


def _imports(path: Path) -> list[tuple[str, str]]:
    """(module, name) of every import of ours, at any depth."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "arith_puzzle":
            found += [(node.module.removeprefix("arith_puzzle").removeprefix("."), alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            ours = [alias.name for alias in node.names if alias.name.startswith("arith_puzzle.")]
            found += [(name.removeprefix("arith_puzzle."), "") for name in ours]
    return found


def test_every_folder_is_a_link_of_the_package():
    links = {path.name: path.readlink().as_posix() for path in (ROOT / "arith_puzzle").iterdir() if path.is_symlink()}
    assert links == {name: f"../{name}" for name in [*FOLDERS, "spaces", "results"]}
    assert not (ROOT / "spaces" / "__init__.py").exists()  # it would hide the package `spaces` of ZeroGPU
    assert not (ROOT / "training" / "accelerate" / "__init__.py").exists()  # it would hide accelerate


@pytest.mark.parametrize("folder", LAYERS)
def test_imports_point_one_way(folder):
    allowed = ["common", "local_hub"] if folder == "local_hub" else LAYERS[: LAYERS.index(folder) + 1]
    wrong = [
        f"{name} imports {module}"
        for name, path in MODULES.items()
        if name.split(".")[0] == folder
        for module, _ in _imports(path)
        if module.split(".")[0] not in allowed and module != "api"
    ]
    assert not wrong


def test_no_module_imports_itself_through_others():
    graph = {}
    for name, path in MODULES.items():
        targets = {f"{module}.{item}" if f"{module}.{item}" in MODULES else module for module, item in _imports(path)}
        graph[name.removesuffix(".__init__")] = targets & MODULES.keys()
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way, name))
        if name not in done:
            for target in graph.get(name, ()):
                visit(target, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_nothing_private_crosses_modules():
    wrong = []
    for name, path in MODULES.items():
        imported = _imports(path)
        wrong += [f"{name}: {module}.{item}" for module, item in imported if item.startswith("_")]
        modules = {item for module, item in imported if f"{module}.{item}".lstrip(".") in MODULES}
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules):
                continue
            if node.attr.startswith("_") and not node.attr.startswith("__"):
                wrong.append(f"{name}: {node.value.id}.{node.attr}")
    assert not wrong


def test_rooms_and_files_stay_small():
    folders: dict[Path, int] = {}
    for path in MODULES.values():
        if path.name != "__init__.py":
            folders[path.parent] = folders.get(path.parent, 0) + 1
    assert {str(f.relative_to(ROOT)): n for f, n in folders.items() if n > MOST_MODULES and f.name != "cli"} == {}
    for name, path in MODULES.items():
        text = path.read_text()
        if text.count("\n") > MOST_LINES:
            assert "This module is long because" in (ast.get_docstring(ast.parse(text)) or ""), name


def test_every_module_says_what_it_does():
    silent = [name for name, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not [name for name in silent if not name.startswith(PUSHED)]
