"""Rewritings with a condition on the final quantity or on a given one, which the solver has to check."""
