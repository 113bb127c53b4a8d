"""The exact solver: all solutions, the canonical solution, and the labels (number of solutions, difficulty)."""
