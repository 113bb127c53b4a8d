"""The puzzle as an environment for reinforcement learning: for OpenEnv, for TRL, and for ``verifiers``."""
