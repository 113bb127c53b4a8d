"""The tasks of lm-evaluation-harness: two YAML files, for ``--include_path``, and the functions that they name."""
