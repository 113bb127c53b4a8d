"""The kinds of extension of the strategy complexity."""
