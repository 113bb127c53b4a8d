"""reasoning-gym's own scorer of countdown answers, for `arith-puzzle audit`. Needs: pip install reasoning-gym.

cd examples && arith-puzzle audit --scorer reasoning_gym_scorer:score
"""

from reasoning_gym.games.countdown import CountdownConfig, CountdownDataset

dataset = CountdownDataset(CountdownConfig(size=1))


def score(response: str, numbers: list[int], target: int) -> float:
    """The score that reasoning-gym gives to a response, 0.01 to 1."""
    return dataset.score_answer(response, {"metadata": {"numbers": numbers, "target": target}})
