"""The exact solver: solutions, the canonical solution, counts and difficulty of a puzzle."""
