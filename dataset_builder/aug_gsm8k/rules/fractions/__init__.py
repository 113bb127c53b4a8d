"""Rewritings with fractions and percentages: of the quantities that a problem gives, and of its final quantity."""
