"""The check's own parts on a small release: what it finds in files, and which snippets it runs and how."""

from __future__ import annotations

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from arith_puzzle.local_hub import running
from arith_puzzle.release.check import CheckFailed, _check_files, _User
from arith_puzzle.release.publish import publish
from arith_puzzle.release.snippets import Snippet, snippets
from arith_puzzle.release.stage import read_plan
from arith_puzzle.release.yank import withdraw
from tests.release.staging import write_stage

CARD = """---
license: mit
---
# A card

```python
import os
print(os.environ["HF_ENDPOINT"])
```

```text
not run
```

```
not run either
```

- in a list:

  ```bash
  echo "$HF_ENDPOINT"
  ```

~~~pycon
>>> 1 + 1
2
~~~

```python
>>> "as a doctest"
'as a doctest'
```

Inline ```python``` is no block.
"""


def test_the_blocks_that_run_and_where_they_are():
    found = snippets(CARD)
    assert [(snippet.language, snippet.line) for snippet in found] == [
        ("python", 7), ("bash", 22), ("doctest", 26), ("doctest", 31),
    ]  # fmt: skip
    lines = CARD.splitlines(keepends=True)
    for snippet in found:
        assert lines[snippet.line - 1].strip() == snippet.code.splitlines()[0]
    assert snippets("no code") == []


@pytest.fixture
def user(tmp_path):
    return _User(tmp_path / "stage", {}, "http://127.0.0.1:9", None)


def test_snippets_run_in_fresh_processes_with_empty_caches(user, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "hf_mine")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    for code in (
        "import os; assert os.environ['HF_ENDPOINT'] == 'http://127.0.0.1:9' and 'HF_TOKEN' not in os.environ",
        "import os; assert os.listdir('.') == ['snippet.py'] and not os.listdir(os.environ['HF_HOME'])",
        "import os; assert 'PYTHONPATH' not in os.environ",
        "import huggingface_hub; assert huggingface_hub.get_token() is None",
    ):
        user.follows("card", Snippet(1, "python", code))
    user.follows("card", Snippet(1, "bash", "python -c 'import huggingface_hub'\nhf version\n"))
    user.follows("card", Snippet(1, "doctest", ">>> 1 + 1\n2\n"))


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ("python", "print('a')\n1 / 0\n", "ZeroDivisionError: division by zero"),
        ("bash", "false\necho done\n", "no message"),
        ("bash", "cat absent | sort\n", "absent"),
        ("bash", "echo $unset_variable\n", "unset_variable: unbound variable"),
        ("doctest", ">>> 1 + 1\n3\n", "***Test Failed***"),
    ],
)
def test_a_snippet_that_does_not_run_is_named(user, language, code, said):
    with pytest.raises(CheckFailed) as caught:
        user.follows("card of x/y", Snippet(12, language, code))
    message = str(caught.value)
    assert message.startswith("card of x/y, line 12: the snippet does not run as printed: ") and "\n" not in message
    assert said in message


def test_every_file_of_every_revision_is_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    stage = write_stage(tmp_path / "stage")
    repos = read_plan(stage)[1]
    with running(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        publish(stage, api)
        user = _User(stage, {repo.kind: repo.id for repo in repos}, hub.endpoint, None)
        _check_files(user)

        where = {"repo_id": "local/arith-puzzle", "repo_type": "dataset"}
        withdraw(repos, api, "0.1.0", announce=lambda line: None)
        _check_files(user)  # the notice on top of a card is not another card
        for operation, revision, said in (
            (
                CommitOperationAdd("arith-puzzle.py", b"VERSION = 0\n"),
                "script",
                "arith-puzzle.py at .*, script, is another",
            ),
            (CommitOperationAdd("more.txt", b"x"), "main", "more.txt at .*, main, was not staged"),
        ):
            before = api.repo_info(**where, revision=revision).sha
            api.create_commit(**where, operations=[operation], commit_message="x", revision=revision)
            with pytest.raises(CheckFailed, match=f"dataset: {said}"):
                _check_files(user)
            undo = (stage / "dataset-script" / "arith-puzzle.py").read_bytes()
            if revision == "script":
                api.create_commit(**where, operations=[CommitOperationAdd("arith-puzzle.py", undo)], commit_message="y",
                                  revision=revision)  # fmt: skip
            else:
                api.delete_file("more.txt", **where)
            assert before != api.repo_info(**where, revision=revision).sha
        _check_files(user)
        (stage / "base" / "config.json").unlink()
        with pytest.raises(CheckFailed, match=r"base: config\.json at local/arith-tiny, main, was not staged"):
            _check_files(user)
        (stage / "base" / "config.json").write_text('{"model_type": "llama"}\n')
        (stage / "base" / "a.json").write_text("{}\n")
        with pytest.raises(CheckFailed, match=r"base: a\.json is not at local/arith-tiny, main"):
            _check_files(user)
