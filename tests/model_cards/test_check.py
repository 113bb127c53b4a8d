"""Each broken card is refused with one line that says what is wrong."""

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.model_cards.check import LICENSES, SIZES, check_card, size_category
from tests.paths import ROOT

FIELDS = {
    "dataset": "license: cc-by-4.0\npretty_name: x\ntask_categories: [text-generation]\ntags: [x]\n"
    "configs: [{config_name: a, data_files: a.parquet}]\nsize_categories: [n<1K]\n",
    "model": "license: apache-2.0\nlibrary_name: peft\ntags: [lora]\npipeline_tag: text-generation\n",
    "space": "title: x\nemoji: 🧮\nsdk: gradio\nsdk_version: '6.31.0'\napp_file: app.py\nlicense: mit\n"
    "colorFrom: red\n",
}
BODY = (
    "# A card\n\nSee [the picture](plots/loss%20curve.png), ![it](plots/loss%20curve.png#x) and <img src='app.py'>.\n"
)


def card(kind, old="", new="", body=BODY):
    assert old in FIELDS[kind]
    return f"---\n{FIELDS[kind].replace(old, new) if old else FIELDS[kind] + new}---\n\n{body}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("repo")
    (root / "plots").mkdir()
    (root / "plots" / "loss curve.png").write_bytes(b"")
    (root / "app.py").write_text("")
    return root


@pytest.mark.parametrize("kind", FIELDS)
def test_a_whole_card_passes(kind, folder):
    check_card(card(kind), kind)
    check_card(card(kind), kind, folder)


BROKEN = {
    "no front matter": ("model", "# A card\n", "starts with front matter"),
    "text before it": ("model", "x\n" + card("model"), "starts with front matter"),
    "not YAML": ("model", "---\na: [\n---\n\nx\n", "is not YAML"),
    "no mapping": ("model", "---\n- a\n---\n\nx\n", "is a mapping"),
    "a key twice": ("model", card("model", new="license: mit\n"), "the key 'license' is given twice"),
    "a nested key twice": ("model", card("model", new="extra: {a: 1, a: 2}\n"), "the key 'a' is given twice"),
    "no licence": ("dataset", card("dataset", "license: cc-by-4.0\n"), "missing: license"),
    "an empty licence": ("model", card("model", "apache-2.0", "''"), "missing: license"),
    "an unknown licence": ("model", card("model", "apache-2.0", "Apache 2"), "'Apache 2' is not one of the Hub's ids"),
    "a licence without its name": ("model", card("model", "apache-2.0", "other"), "needs a license_name"),
    "no pipeline_tag": ("model", card("model", "pipeline_tag: text-generation\n"), "missing: pipeline_tag"),
    "no library": ("model", card("model", "library_name: peft\n"), "missing: library_name"),
    "no configs": ("dataset", card("dataset", "configs", "config"), "missing: configs"),
    "a wrong size": ("dataset", card("dataset", "n<1K", "1000"), "size_categories: 1000 is not one of n<1K"),
    "a size in a text": ("dataset", card("dataset", "[n<1K]", "n<1K"), "size_categories must be a list"),
    "no title": ("space", card("space", "title: x\n"), "missing: title"),
    "no emoji": ("space", card("space", "emoji: 🧮\n"), "missing: emoji"),
    "no app": ("space", card("space", "app_file: app.py\n"), "missing: app_file"),
    "an unknown sdk": ("space", card("space", "gradio", "flask"), "sdk: 'flask' is not one of"),
    "an unknown colour": ("space", card("space", "red", "orange"), "colorFrom: 'orange' is not one of"),
    "a long description": ("space", card("space", new=f"short_description: {'x' * 61}\n"), "more than 60 characters"),
    "a broken model-index": ("model", card("model", new="model-index:\n- name: x\n  results: [1]\n"), "refuses the"),
    "no text": ("model", card("model", body=" \n"), "needs a text"),
    "nan": ("model", card("model", body="| a | nan |\n"), "prints 'nan'"),
    "None": ("model", card("model", body="Trained on None rows.\n"), "prints 'None' as if it were a value, in: 'T"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_card_is_refused(kind, text, said):
    with pytest.raises(InputError) as caught:
        check_card(text, kind)
    assert said in str(caught.value) and "\n" not in str(caught.value)


MISPLACED = {
    "a link to nothing": ("see [x](absent.md)\n", "links to 'absent.md'"),
    "a picture of nothing": ("![x](plots/absent.png)\n", "links to 'plots/absent.png'"),
    "a tag's picture of nothing": ('<img src="absent.png">\n', "links to 'absent.png'"),
    "a link out of the repo": ("[x](../../etc/passwd)\n", "links to '../../etc/passwd'"),
    "an unrendered value": ("`{{ rows }}` rows\n", "unfilled placeholder '{{'"),
    "an unrendered block": ("{% for x in y %}\n", "unfilled placeholder '{%'"),
    "a placeholder": ('```python\nload("<namespace>/x")\n```\n', "unfilled placeholder '<namespace>'"),
}


@pytest.mark.parametrize(("body", "said"), MISPLACED.values(), ids=MISPLACED)
def test_a_card_must_fit_its_repo(body, said, folder):
    check_card(card("model", body=body), "model")
    with pytest.raises(InputError) as caught:
        check_card(card("model", body=body), "model", folder)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_space_must_have_its_app(tmp_path):
    with pytest.raises(InputError, match=r"links to 'app.py'"):
        check_card(card("space", body="x\n"), "space", tmp_path)


def test_code_may_say_what_prose_may_not(folder):
    body = "`None` of it, `nan`:\n\n```python\nx = None\n[y](absent)\n```\n\nNon-None, information, [site](https://x.y/z)\n"
    check_card(card("model", body=body), "model", folder)


@pytest.mark.parametrize("name", ["metrics/arith_puzzle_verifier", "metrics/gsm8k_answer", "spaces/arith_puzzle_demo"])
def test_the_spaces_cards_are_whole(name):
    check_card((ROOT / name / "README.md").read_text(), "space")


def test_sizes_are_the_hubs():
    cases = [0, 999, 1000, 10**6 - 1, 10**6, 10**8 - 1, 100_033_500, 10**12, 10**15]
    found = [size_category(rows) for rows in cases]
    assert found == ["n<1K", "n<1K", "1K<n<10K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1T", "n>1T"]
    assert len(SIZES) == 11 and {"apache-2.0", "cc-by-4.0", "mit"} <= set(LICENSES)
