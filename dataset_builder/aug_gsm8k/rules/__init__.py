"""The generator by exact rules, which needs no model: a module for each strategy, and ``run`` for the whole run."""
