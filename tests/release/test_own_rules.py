"""A whole release of puzzles by other rules than the paper's: cards, demo and check follow what the rows state."""

import json

import pytest
import yaml


@pytest.mark.slow
def test_it_is_built_trained_scored_published_and_checked(run, small_base, recipe_file, tmp_path):
    content = {"name": "leave_out", "v": 30, "sizes": {3: 1, 4: 1}, "rule": "subset", "targets": [1, 60],
               "splits": {"train": {"rows": 600}, "test": {"rows": 40, "labels": True}}}  # fmt: skip
    (tmp_path / "leave_out.yaml").write_text(yaml.safe_dump(content))
    done = run("build", "--config", tmp_path / "leave_out.yaml", "--out", tmp_path / "rules")
    assert done.returncode == 0, done.stderr
    recipe = yaml.safe_load(recipe_file.read_text())
    recipe["dataset"] = {"path": str(tmp_path / "rules"), "config": "leave_out", "rows": 600}
    recipe["name"] = "leave-out-lora"
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    work = tmp_path / "work"
    done = run("release", tmp_path / "recipe.yaml", "--to", "local", "--work", work)
    assert done.returncode == 0 and "all files equal the staged ones" in done.stdout, done.stderr[-3000:]
    rules = {"rule": "subset", "division": "exact", "form": "equations"}
    assert json.loads((work / "stage" / "demo" / "settings.json").read_text())["rules"] == rules
    for kind in ("dataset", "adapter"):
        assert 'rule="subset"' in (work / "stage" / kind / "README.md").read_text()
