"""YAML into frozen dataclasses, strictly: every key known, every value of the annotated type and within its bounds."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from pathlib import Path
from typing import Any, Literal

import yaml

from arith_puzzle.common.errors import InputError

BOUNDS = {
    "least": ("at least", lambda value, limit: value >= limit),
    "most": ("at most", lambda value, limit: value <= limit),
    "below": ("below", lambda value, limit: value < limit),
}
"""Keys of a dataclass field's metadata that bound its numbers."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, where YAML's readers keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, what: str, remedy: str = "") -> Any:
    """The content of a YAML file. Raises InputError, in one line, if it cannot be read or is not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # a SafeLoader
    except OSError as error:
        raise InputError(f"cannot read the {what} {path}: {error.strerror}{remedy}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


def names(section: type) -> list[str]:
    """The keys of a section."""
    return [item.name for item in dataclasses.fields(section)]


def check_keys(path: object, prefix: str, values: dict, known: list[str]) -> None:
    """Raise InputError on a key that is not ``known``, with the nearest one that is."""
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            remedy = f"did you mean '{prefix}{close[0]}'?" if close else f"known: {', '.join(known)}"
            raise InputError(f"{path}: unknown key '{prefix}{key}'; {remedy}")


def build(path: object, prefix: str, section: type, raw: object) -> Any:
    """The dataclass ``section`` made of the mapping ``raw``, its keys, types and bounds checked.

    Args:
        path: named in errors. ``prefix``: of the keys in errors, such as ``lora.``; empty at the top.

    Raises:
        InputError: no mapping, an unknown or missing key, a value of the wrong type or out of its bounds.
    """
    if not isinstance(raw, dict):
        raise InputError(f"{path}: '{prefix[:-1]}' is a mapping with the keys {', '.join(names(section))}")
    check_keys(path, prefix, raw, names(section))
    hints = typing.get_type_hints(section)
    for item in dataclasses.fields(section):
        if item.name not in raw:
            if item.default is item.default_factory is dataclasses.MISSING:
                raise InputError(f"{path}: '{prefix}{item.name}' is missing")
            continue
        value = raw[item.name]
        if not _fits(value, hints[item.name]):
            raise InputError(f"{path}: {prefix}{item.name} must be {_words(hints[item.name])}, not {value!r}")
        for bound in BOUNDS.keys() & item.metadata.keys():
            said, holds = BOUNDS[bound]
            for number in value.values() if isinstance(value, dict) else [value]:
                if number is not None and not holds(number, item.metadata[bound]):
                    raise InputError(f"{path}: {prefix}{item.name} must be {said} {item.metadata[bound]}, not {value}")
    return section(**raw)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value read from YAML is of the type that a field is annotated with; true is no integer."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is list:
        return isinstance(value, list) and bool(value) and all(_fits(each, arguments[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(k, str) and _fits(v, arguments[1]) for k, v in value.items())
    return isinstance(value, (int, float) if hint is float else hint) and not isinstance(value, bool)


def _words(hint: Any) -> str:
    """A type as users read it: ``int or null``, ``symbolic, natural or alpaca``."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        words = list(arguments)
    elif origin in (typing.Union, types.UnionType):
        words = [_words(each) for each in arguments]
    elif origin is None:
        return "null" if hint is type(None) else hint.__name__
    else:
        return str(hint).replace("typing.", "")
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"
