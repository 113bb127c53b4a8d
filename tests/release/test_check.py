"""Parts of the check: how it compares files, and how it finds and runs the snippets of cards."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from arith_puzzle.local_hub import running
from arith_puzzle.model_cards.snippets import Snippet, snippets
from arith_puzzle.release import user as user_module
from arith_puzzle.release.check import check_files
from arith_puzzle.release.diff import Stage
from arith_puzzle.release.publish import publish
from arith_puzzle.release.stage import read_plan
from arith_puzzle.release.user import CheckFailed, User
from arith_puzzle.release.yank import yank
from tests.release.staging import write_stage

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the warm process is for Linux only")
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


@pytest.fixture(scope="module", params=[pytest.param(way, marks=pytest.mark.slow) for way in ("warm", "cold")])
def user(request):
    """A new user, on a machine with a token and settings of ours. "cold" runs Python code without forking."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("HF_TOKEN", "hf_mine"), ("HUGGING_FACE_HUB_TOKEN", "hf_mine"), ("PYTHONPATH", "/nowhere")):
            patch.setenv(name, value)
        if request.param == "cold":
            patch.setattr(user_module, "FORK", False)
        with User("http://127.0.0.1:9") as user:
            yield user


def test_snippets_run_in_fresh_processes_with_empty_caches(user):
    for code in (
        "import os; assert os.environ['HF_ENDPOINT'] == 'http://127.0.0.1:9' and 'HF_TOKEN' not in os.environ",
        "import os; assert os.listdir('.') == ['snippet.py'] and not os.listdir(os.environ['HF_HOME'])",
        "import os; assert 'PYTHONPATH' not in os.environ",
        "import huggingface_hub; assert huggingface_hub.get_token() is None",
        "import os; open(os.environ['HF_HOME'] + '/left', 'w').write('x'); open('left', 'w').write('x')",
        "import os; assert os.listdir('.') == ['snippet.py'] and not os.listdir(os.environ['HF_HOME'])",
        "import json, os; json.x = os.environ['LEFT'] = 'x'; os.chdir('/')",
        "import json, os; assert not hasattr(json, 'x') and 'LEFT' not in os.environ and os.getcwd() != '/'",
        "import sys; assert sys.argv == ['snippet.py'] and __name__ == '__main__' and sys.stdin.read() == ''",
        "import os; assert not {'JE_ARROW_MALLOC_CONF', 'OPENBLAS_NUM_THREADS'} & os.environ.keys()",
        "import atexit; atexit.register(print, 'end')\nraise SystemExit(0)",
    ):
        user.run_snippet("card", Snippet(1, "python", code))
    user.run_snippet("card", Snippet(1, "bash", "python -c 'import huggingface_hub'\nhf version\n"))
    user.run_snippet("card", Snippet(1, "doctest", ">>> 1 + 1\n2\n"))


def test_torch_computes_in_several_threads(user):
    """Also in a forked child, although the process that imports torch has only one thread."""
    code = (
        "import os, torch\n"
        "assert torch.get_num_threads() >= min(2, os.cpu_count() // 2)\n"
        "assert torch.ones(500, 500).matmul(torch.ones(500, 500)).sum() == 500**3\n"
    )
    user.run_snippet("card", Snippet(1, "python", code))


def test_only_the_warm_process_has_imported_the_libraries(user):
    libraries = {"torch", "datasets", "evaluate", "transformers", "peft"}
    code = f"import sys; assert ({libraries} <= sys.modules.keys()) == {user_module.FORK}"
    user.run_snippet("card", Snippet(1, "python", code))


def test_a_snippet_that_does_not_end_is_killed_with_what_it_started(user, monkeypatch, tmp_path):
    monkeypatch.setattr(user_module, "SNIPPET_SECONDS", 3)
    with pytest.raises(CheckFailed, match="card, line 7: the snippet ran for 3 s"):
        user.run_snippet("card", Snippet(7, "python", "import time\nwhile True: time.sleep(1)"))
    monkeypatch.undo()
    user.run_snippet("card", Snippet(1, "python", "print('the next one runs')"))


@LINUX
@pytest.mark.slow
def test_a_warm_process_that_ends_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "server.py").write_text("import sys; sys.exit('no such library')")
    monkeypatch.setattr(user_module, "FORK", True)
    monkeypatch.setattr(user_module, "FORK_SERVER", tmp_path / "server.py")
    with User("http://127.0.0.1:9") as user, pytest.raises(CheckFailed, match="ended: no such library"):
        user.run_snippet("card", Snippet(1, "python", "pass"))


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ("python", "print('a')\n1 / 0\n", "ZeroDivisionError: division by zero"),
        ("python", "import os\nprint('b', flush=True)\nos.abort()", "b"),
        ("python", "import sys\nsys.exit('a message')", "a message"),
        ("python", "an error of form", "SyntaxError: invalid syntax"),
        ("bash", "false\necho done\n", "no message"),
        ("bash", "cat absent | sort\n", "absent"),
        ("bash", "echo $unset_variable\n", "unset_variable: unbound variable"),
        ("doctest", ">>> 1 + 1\n3\n", "***Test Failed***"),
    ],
)
def test_a_snippet_that_does_not_run_is_named(user, language, code, said):
    with pytest.raises(CheckFailed) as caught:
        user.run_snippet("card of x/y", Snippet(12, language, code))
    message = str(caught.value)
    assert message.startswith("card of x/y, line 12: the snippet does not run as printed: ") and "\n" not in message
    assert said in message


@pytest.mark.slow
def test_every_file_of_every_revision_is_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    stage = write_stage(tmp_path / "stage")
    repos = read_plan(stage)[1]
    with running(tmp_path / "hub") as hub, ExitStack() as contexts:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        publish(stage, api)
        user = contexts.enter_context(User(hub.endpoint))

        def check() -> None:
            check_files(Stage(stage), user)

        check()

        where = {"repo_id": "local/arith-puzzle", "repo_type": "dataset"}
        yank(repos, api, "0.1.0", announce=lambda line: None)
        check()  # a yank adds a notice to the card, and that is no difference
        for operation, revision, said in (
            (
                CommitOperationAdd("arith-puzzle.py", b"VERSION = 0\n"),
                "script",
                "arith-puzzle.py at .*, script, differs from the staged file",
            ),
            (CommitOperationAdd("more.txt", b"x"), "main", "more.txt at .*, main, was not staged"),
        ):
            before = api.repo_info(**where, revision=revision).sha
            api.create_commit(**where, operations=[operation], commit_message="x", revision=revision)
            with pytest.raises(CheckFailed, match=f"dataset: {said}"):
                check()
            undo = (stage / "dataset-script" / "arith-puzzle.py").read_bytes()
            if revision == "script":
                api.create_commit(**where, operations=[CommitOperationAdd("arith-puzzle.py", undo)], commit_message="y",
                                  revision=revision)  # fmt: skip
            else:
                api.delete_file("more.txt", **where)
            assert before != api.repo_info(**where, revision=revision).sha
        check()
        (stage / "base" / "config.json").unlink()
        with pytest.raises(CheckFailed, match=r"base: config\.json at local/arith-tiny, main, was not staged"):
            check()
        (stage / "base" / "config.json").write_text('{"model_type": "llama"}\n')
        (stage / "base" / "a.json").write_text("{}\n")
        with pytest.raises(CheckFailed, match=r"base: a\.json is not at local/arith-tiny, main"):
            check()
