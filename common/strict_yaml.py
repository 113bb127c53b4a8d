"""Strict YAML: an unknown or repeated key is an error, and so is a value of the wrong type or out of bounds.

A section of a file is a pydantic dataclass with the configuration ``STRICT``:

    @dataclass(frozen=True, config=STRICT)
    class Lora:
        r: Positive = 5
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import ConfigDict, Field, ValidationError

from arith_puzzle.common.errors import InputError

STRICT = ConfigDict(strict=True, extra="forbid")
"""No conversions: ``"4"``, ``4.0`` and ``true`` are not integers."""
Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Item = TypeVar("Item")
NonEmpty = Annotated[list[Item], Field(min_length=1)]
RULES = {
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "below {lt:g}",
    "literal_error": "{expected}",
    "too_short": "a list of at least {min_length}",
}
"""pydantic's error type -> the rule in our words; other types keep pydantic's words."""


DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
"""The integers of YAML 1.2, without octal and hexadecimal ones."""


class StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a duplicate key, of which YAML's own loaders keep the last one.

    A date is text. Integers are decimal, as in YAML 1.2: YAML 1.1 reads 010 as 8 and 1:30 as 90.
    """

    yaml_implicit_resolvers: ClassVar = {
        first: [
            (tag, DECIMAL if tag == "tag:yaml.org,2002:int" else pattern)
            for tag, pattern in found
            if tag != "tag:yaml.org,2002:timestamp"
        ]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, what: str, remedy: str = "") -> Any:
    """The content of a YAML file. Raises InputError, in one line, if it cannot be read or is not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the {what} {path}: {error.strerror}{remedy}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not YAML: {error}") from None
    return parse_yaml(path, text)


def parse_yaml(place: object, text: str) -> Any:
    """The content of YAML text; ``place`` names it in messages. Raises InputError, in one line, if it is not YAML."""
    try:
        return yaml.load(text, StrictLoader)  # a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: an integer of thousands of digits
        raise InputError(f"{place} is not YAML: {' '.join(str(error).split())}") from None


def names(section: type) -> list[str]:
    """The keys of a section."""
    return [item.name for item in dataclasses.fields(section)]


def check_keys(path: object, prefix: str, values: dict, known: list[str]) -> None:
    """Raise InputError on a key that is not in ``known``. The message names the closest known key."""
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            remedy = f"did you mean '{prefix}{close[0]}'?" if close else f"known: {', '.join(known)}"
            raise InputError(f"{path}: unknown key '{prefix}{key}'; {remedy}")


def build(path: object, prefix: str, section: type, raw: object) -> Any:
    """Make a section, with the sections inside it, from a mapping.

    Args:
        path: file that error messages name.
        prefix: text before each key in error messages, such as ``lora.``; empty at the top of a file.
        section: pydantic dataclass with the configuration ``STRICT``.
        raw: content of the file or of the section. A section that is null counts as left out.

    Raises:
        InputError: not a mapping, an unknown or missing key, a value of the wrong type or out of bounds. The message
            is one line and names the file, the key, the rule and the value.
    """
    if isinstance(raw, section):
        return raw
    if not isinstance(raw, dict):
        place = f"'{prefix[:-1]}'" if prefix else "the file"
        given = "" if raw is None else f", not {type(raw).__name__}"
        raise InputError(f"{path}: {place} must be a mapping with the keys {', '.join(names(section))}{given}")
    check_keys(path, prefix, raw, names(section))
    values = dict(raw)
    for key, inner in _sections(section).items():
        value = values.pop(key, None)
        if isinstance(value, list):
            values[key] = [build(path, f"{prefix}{key}.", inner, each) for each in value]
        elif value is not None:
            values[key] = build(path, f"{prefix}{key}.", inner, value)
    try:
        return section(**values)
    except ValidationError as error:
        raise InputError(f"{path}: {'; '.join(_fault(prefix, each) for each in _first(error))}") from None


def _sections(section: type) -> dict[str, type]:
    """Key -> section, for the fields that are a section or a list of them."""
    hints = typing.get_type_hints(section)
    kinds = ((key, kind) for key, hint in hints.items() for kind in (hint, *typing.get_args(hint)))
    return {key: kind for key, kind in kinds if isinstance(kind, type) and dataclasses.is_dataclass(kind)}


def _first(error: ValidationError) -> list:
    """The errors of the first wrong key. A union has one for each of its types."""
    errors = error.errors(include_url=False)
    return [each for each in errors if each["loc"][0] == errors[0]["loc"][0]]


def _fault(prefix: str, error: Any) -> str:
    key = prefix + ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"'{key}' is missing"
    rule = RULES.get(error["type"], "").format(**error.get("ctx", {})) or error["msg"].removeprefix("Input should be ")
    return f"{key} must be {rule}, not {error['input']!r}"
