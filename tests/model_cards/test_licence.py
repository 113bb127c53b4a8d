"""The licence of a base: read from its card, in a folder or on a Hub; a question if there is none."""

import json
import os
import subprocess
import sys

import pytest
from huggingface_hub import HfApi

from arith_puzzle.common.errors import InputError
from arith_puzzle.local_hub import running
from arith_puzzle.model_cards.licence import base_licence, copy_notices, licence_text
from arith_puzzle.training.recipe import load_recipe


def write_card(folder, front):
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(f"---\n{front}\n---\n# A base\n")
    return str(folder)


@pytest.mark.parametrize(
    ("front", "found", "text"),
    [
        ("license: mit", {"license": "mit"}, "`mit`"),
        (
            "license: other\nlicense_name: gemma\nlicense_link: https://ai.google.dev/gemma/terms",
            {"license": "other", "license_name": "gemma", "license_link": "https://ai.google.dev/gemma/terms"},
            "[gemma](https://ai.google.dev/gemma/terms)",
        ),
        (
            "license: llama3.1\nlicense_link: LICENSE",
            {"license": "llama3.1", "license_link": "LICENSE"},
            "[llama3.1](LICENSE)",
        ),
    ],
)
def test_the_card_of_a_folder(tmp_path, front, found, text):
    (tmp_path / "LICENSE").write_text("the text")
    assert base_licence(write_card(tmp_path, front)) == found
    assert licence_text(found) == text


@pytest.mark.parametrize(
    ("front", "stated", "said"),
    [
        (
            "tags: [x]",
            None,
            r"licence of the base '.*' is unknown.* write it in .*README.md \(license: ...\), or give --base-l",
        ),
        (None, None, "is unknown"),
        (None, "no such licence", "--base-license no such licence: not one of the Hub's ids"),
        ("license: other", None, "license: other without a license_name"),
        ("license: mit", "apache-2.0", "--base-license apache-2.0: the card of the base '.*' says mit; leave it out"),
        ("license: [", None, "front matter"),
        ("license: Apache 2.0", None, "says license: Apache 2.0, which is none of the Hub's ids, such as apache-2.0"),
        ("license: other\nlicense_name: mine", None, "needs the licence's text in a file LICENSE beside the card"),
        ("license: llama2\nlicense_link: LICENSE", None, "license_link: LICENSE is no file beside the card"),
    ],
)
def test_no_licence_is_a_question_and_never_a_guess(tmp_path, front, stated, said):
    base = write_card(tmp_path, front) if front else str(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        base_licence(base, stated=stated)
    assert "\n" not in str(caught.value)


def test_what_is_stated_counts_where_the_card_is_silent(tmp_path):
    assert base_licence(str(tmp_path), stated="mit") == {"license": "mit"}
    assert base_licence(write_card(tmp_path, "license: mit"), stated="mit") == {"license": "mit"}


def test_the_shipped_bases_state_theirs():
    for recipe in ("demo_cpu", "paper_search_cpu"):
        assert base_licence(load_recipe(recipe).base_path) == {"license": "apache-2.0"}


def test_of_a_hub_the_card_of_the_pinned_revision_counts(tmp_path):
    """And the notices are copied from there."""
    code = (
        "import json, sys; from pathlib import Path\n"
        "from arith_puzzle.model_cards.licence import base_licence, copy_notices\n"
        "found = [base_licence('local/base', revision) for revision in (None, sys.argv[1])]\n"
        "copy_notices('local/base', Path(sys.argv[2]))\n"
        "print(json.dumps(found))"
    )
    with running(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        api.create_repo("local/base")
        commits = []
        for licence in ("llama2", "llama3.1"):
            write_card(tmp_path / "base", f"license: {licence}\nlicense_link: LICENSE.txt")
            for name in ("LICENSE.txt", "NOTICE", "model.bin"):
                (tmp_path / "base" / name).write_text(f"{name} of {licence}")
            commits.append(api.upload_folder(repo_id="local/base", folder_path=tmp_path / "base").oid)
        (tmp_path / "copied").mkdir()
        environment = os.environ | {
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": hub.token,
            "HF_HOME": str(tmp_path / "home"),
        }
        done = subprocess.run([sys.executable, "-c", code, commits[0], str(tmp_path / "copied")], env=environment,
                              capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    link = "https://huggingface.co/local/base/blob/{}/LICENSE.txt"
    assert json.loads(done.stdout) == [
        {"license": "llama3.1", "license_link": link.format("main")},
        {"license": "llama2", "license_link": link.format(commits[0])},
    ]
    assert sorted(path.name for path in (tmp_path / "copied").iterdir()) == ["LICENSE.txt", "NOTICE"]
    assert (tmp_path / "copied" / "NOTICE").read_text() == "NOTICE of llama3.1"


def test_notices_of_a_folder_are_copied(tmp_path):
    (tmp_path / "base").mkdir()
    for name in ("LICENSE", "LICENCE.md", "NOTICE.txt", "USE_POLICY.md", "weights"):
        (tmp_path / "base" / name).write_text(name)
    (tmp_path / "copy").mkdir()
    copy_notices(str(tmp_path / "base"), tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == [
        "LICENCE.md",
        "LICENSE",
        "NOTICE.txt",
        "USE_POLICY.md",
    ]
