"""The verifier, the metrics that are pushed as Spaces, and the rewards for reinforcement learning."""
