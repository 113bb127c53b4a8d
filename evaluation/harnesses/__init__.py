"""The benchmark for the evaluation harnesses of others. None of them is a requirement of this package.

- ``lm_eval/``: a folder of tasks for lm-evaluation-harness.
- ``lighteval_tasks``: a file of custom tasks for lighteval.
- ``reasoning_gym_dataset``: a dataset of reasoning-gym.
- inspect-ai finds ``evaluation/inspect_task/task.py`` by this package's entry point.

All of them judge by ``scoring``. docs/harnesses.md has the commands.
"""
