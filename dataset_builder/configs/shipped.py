"""The texts of the shipped configs, the YAML files beside this module."""

from pathlib import Path

NAMES = ("1m", "10m", "100m", "stress", "starter")
"""Their names, in the order of the dataset's card."""
TEXTS = {name: Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8") for name in NAMES}
"""Name of a config -> its YAML. In the loading script's folder this is a literal, because only modules go there."""
