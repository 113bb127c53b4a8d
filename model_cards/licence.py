"""The licence of a base model, which its adapters and merged models inherit. It is read from the base's card."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import yaml

from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.model_cards.check import LICENSES, missing_text

NOTICES = ("LICEN[CS]E*", "NOTICE*", "USE_POLICY*")
"""Files whose text must go with every copy of the weights."""
FIELDS = ("license", "license_name", "license_link")
"""Fields of a card's front matter; https://huggingface.co/docs/hub/repositories-licenses"""


def base_licence(base: str, revision: str | None = None, *, stated: str | None = None) -> dict[str, str]:
    """The FIELDS of a base's card that say its licence.

    Args:
        base: a folder with a README.md, or a Hub id with the optional ``revision``.
        stated: id of the licence, if the card has none.

    Raises:
        InputError: the card cannot be read; it has no licence and none is stated, or it has another one than the stated
            one; the Hub does not know it; or the name or the text of a licence of its own is missing.
    """
    from huggingface_hub import ModelCard, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    if stated is not None and stated not in LICENSES:
        raise InputError(f"--base-license {stated}: not one of the Hub's ids, such as apache-2.0 or llama3.1")
    card: str | Path | None = None
    try:
        card = (
            Path(base) / "README.md" if Path(base).is_dir() else hf_hub_download(base, "README.md", revision=revision)
        )
    except (OSError, ValueError) as error:  # what is stated also serves where the Hub cannot be reached
        absent = isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)
        if not absent and stated is None:
            raise InputError(f"cannot read the card of the base {base!r}: {first_line(error)}") from None
    data = {}
    if card and Path(card).is_file():
        try:
            data = ModelCard.load(card, ignore_metadata_errors=True).data.to_dict()
        except (ValueError, yaml.YAMLError) as error:
            raise InputError(f"{card}: the card's front matter is no YAML: {first_line(error)}") from None
    found = {name: str(data[name]) for name in FIELDS if data.get(name)}
    if not found and stated is None:
        where = f"write it in {Path(base) / 'README.md'} (license: ...)" if Path(base).is_dir() else "ask its authors"
        raise InputError(f"the licence of the base {base!r} is unknown, because its card states none; {where}, or give "
                         "--base-license")  # fmt: skip
    if stated and found.get("license", stated) != stated:
        raise InputError(
            f"--base-license {stated}: the card of the base {base!r} says {found['license']}; leave it out"
        )
    found = found or {"license": str(stated)}
    if found["license"] == "other" and "license_name" not in found:
        raise InputError(f"the card of the base {base!r} says license: other without a license_name; ask its authors")
    if found["license"] not in LICENSES:
        raise InputError(f"the card of the base {base!r} says license: {found['license']}, which is none of the Hub's "
                         "ids, such as apache-2.0; correct the card")  # fmt: skip
    link = found.get("license_link")
    if not Path(base).is_dir():
        if link and "://" not in link:
            found["license_link"] = f"https://huggingface.co/{base}/blob/{revision or 'main'}/{link}"
        elif not link and found["license"] == "other":
            found["license_link"] = f"https://huggingface.co/{base}"
    elif problem := missing_text(found, lambda pattern: any(fnmatch(name, pattern) for name in notices(base))):
        raise InputError(f"{Path(base) / 'README.md'}: {problem}")
    return found


def notices(folder: str | Path) -> list[str]:
    """The names of the files of a folder that match NOTICES."""
    return sorted({path.name for pattern in NOTICES for path in Path(folder).glob(pattern) if path.is_file()})


def licence_text(fields: dict[str, str]) -> str:
    """The licence in words, with a link where the card has one: ``[llama2](https://...)``."""
    name = fields.get("license_name") or fields["license"]
    return f"[{name}]({fields['license_link']})" if "license_link" in fields else f"`{name}`"


def copy_notices(base: str, folder: Path, revision: str | None = None) -> None:
    """Copy the NOTICES of a base, which is a folder or a Hub id, to ``folder``."""
    import shutil

    from huggingface_hub import snapshot_download

    if Path(base).is_dir():
        source = Path(base)
    else:
        source = Path(snapshot_download(base, revision=revision, allow_patterns=list(NOTICES)))
    for name in notices(source):
        shutil.copy(source / name, folder)
