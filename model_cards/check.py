"""Check a card before it is published: its front matter, its links, and that no value is missing.

The Hub's check (``RepoCard.validate``) needs a network. This module checks the same rules offline. They come from
https://huggingface.co/docs/hub/model-cards, datasets-cards, spaces-config-reference and repositories-licenses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

import yaml
from huggingface_hub import DatasetCard, ModelCard, SpaceCard

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.strict_yaml import StrictLoader

CARDS = {"dataset": DatasetCard, "model": ModelCard, "space": SpaceCard}
REQUIRED = {
    "dataset": ("license", "pretty_name", "task_categories", "tags", "configs", "size_categories"),
    "model": ("license", "library_name", "tags", "pipeline_tag"),
    "space": ("title", "emoji", "sdk", "sdk_version", "app_file", "license"),
    "docker": ("title", "emoji", "sdk", "app_port", "license"),
}
"""Kind -> the fields that its card needs. "docker" is a Space with ``sdk: docker``, which has a Dockerfile."""
LICENSES = """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m
    bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0
    cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0
    cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0
    cdla-sharing-1.0 creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    gemma gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2
    llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa
    odbl odc-by ofl-1.1 openrail openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
""".split()  # noqa: SIM905 -- one id a line would fill a page
"""The ids of docs/hub/repositories-licenses in huggingface/hub-docs, 2024. Add newer ids here."""
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B",
         "10B<n<100B", "100B<n<1T", "n>1T")  # fmt: skip
SDKS = ("gradio", "streamlit", "docker", "static")
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
MAX_SHORT_DESCRIPTION = 60

_CODE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)|<(?:img|a)\b[^>]*?\b(?:src|href)=[\"']([^\"']+)")
_NO_NUMBER = re.compile(r"(?<![\w-])(?:nan|NaN|None|inf|Infinity|Undefined)(?![\w-])")
_UNRENDERED = re.compile(r"\{\{|\{%|\{#|<(?:namespace|repo_id|dataset|config|split)>")


def size_category(rows: int) -> str:
    """The Hub's ``size_categories`` id for a number of rows."""
    bounds = [10**power for power in range(3, 13)]
    return next((name for bound, name in zip(bounds, SIZES, strict=False) if rows < bound), SIZES[-1])


def check_card(text: str, kind: str, folder: Path | None = None) -> None:
    """Raise InputError if a card breaks a rule. The message names the rule in one line.

    Args:
        text: the content of README.md.
        kind: "dataset", "model" or "space".
        folder: the folder that will be pushed. If it is given, relative links and a Space's app must be files in it,
            and the card may not contain a placeholder.
    """
    fields, body = _parts(text)
    required = REQUIRED["docker" if kind == "space" and fields.get("sdk") == "docker" else kind]
    missing = [field for field in required if not fields.get(field)]
    if missing:
        raise InputError(f"a {kind} card needs {', '.join(required)}; missing: {', '.join(missing)}")
    _check_fields(fields, kind)
    try:
        CARDS[kind](text)
    except Exception as error:  # the library raises several types
        raise InputError(f"huggingface_hub refuses the card: {' '.join(str(error).split())}") from None
    if not body.strip():
        raise InputError("a card needs a text after its front matter")
    prose = _CODE.sub("", body)
    number = _NO_NUMBER.search(prose)
    if number:
        raise InputError(f"the card prints {number[0]!r} as if it were a value, in: {_line(prose, number.start())}")
    if folder is not None:
        _check_place(text, prose, fields, folder)


def missing_text(fields: Mapping, there: Callable[[str], bool]) -> str | None:
    """Why readers would not find the text of a licence, and the remedy; None if they do.

    Args:
        fields: those of a card's front matter.
        there: whether a file whose name fits a pattern is published beside the card.
    """
    link = str(fields.get("license_link") or "")
    if link and "://" not in link and not there(link.removeprefix("./")):
        return f"license_link: {link} is no file beside the card; add the licence's text, or give an address"
    if fields.get("license") == "other" and not link and not there("LICEN[CS]E*"):
        return "license: other needs the licence's text in a file LICENSE beside the card, or a license_link; add one"
    return None


def _parts(text: str) -> tuple[dict, str]:
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise InputError("a card starts with front matter between two lines of ---")
    try:
        fields = yaml.load(parts[1], Loader=StrictLoader)
    except yaml.YAMLError as error:
        raise InputError(f"the card's front matter is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(fields, dict):
        raise InputError("a card's front matter is a mapping of fields, such as license: mit")
    return fields, parts[2]


def _check_fields(fields: dict, kind: str) -> None:
    licence = fields["license"]
    if licence not in LICENSES:
        raise InputError(f"license: {licence!r} is not one of the Hub's ids, such as apache-2.0; else give other")
    if licence == "other" and not fields.get("license_name"):
        raise InputError("license: other needs a license_name, and the licence's text in a file LICENSE")
    for field in ("tags", "task_categories", "size_categories", "configs", "datasets"):
        if field in fields and not isinstance(fields[field], list):
            raise InputError(f"{field} must be a list, not {fields[field]!r}")
    for size in fields.get("size_categories", []):
        if size not in SIZES:
            raise InputError(f"size_categories: {size!r} is not one of {', '.join(SIZES)}")
    if kind == "space":
        if fields["sdk"] not in SDKS:
            raise InputError(f"sdk: {fields['sdk']!r} is not one of {', '.join(SDKS)}")
        for field in ("colorFrom", "colorTo"):
            if fields.get(field) not in (None, *COLOURS):
                raise InputError(f"{field}: {fields[field]!r} is not one of {', '.join(COLOURS)}")
        if len(str(fields.get("short_description", ""))) > MAX_SHORT_DESCRIPTION:
            raise InputError(f"short_description has more than {MAX_SHORT_DESCRIPTION} characters")


def _check_place(text: str, prose: str, fields: dict, folder: Path) -> None:
    left = _UNRENDERED.search(text)
    if left:
        raise InputError(f"the card contains the unfilled placeholder {left[0]!r}: {_line(text, left.start())}")
    if problem := missing_text(fields, lambda pattern: any(folder.glob(pattern))):
        raise InputError(problem)
    wanted = [target for match in _LINK.finditer(prose) for target in match.groups() if target]
    wanted += [fields["app_file"]] if "app_file" in fields else []
    wanted += ["Dockerfile"] if fields.get("sdk") == "docker" else []
    for target in wanted:
        if re.match(r"[a-z][a-z+.-]*:|#|//", target):
            continue
        path = (folder / unquote(target.split("#")[0].split("?")[0])).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.exists():
            raise InputError(f"the card links to {target!r}, which is not in the repo; add the file or remove the link")


def _line(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    return repr(text[start:].split("\n", 1)[0].strip()[:80])
