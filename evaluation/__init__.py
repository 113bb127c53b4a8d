"""Scoring: a model answers puzzles or word problems, the metrics judge the answers, and reports show the scores."""
