"""Hypothesis settings for these tests."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # a busy machine may pause any example
settings.load_profile("no deadline")
