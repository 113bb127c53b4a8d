"""The verifier as a reward for TRL's GRPOTrainer: what it gives a few completions. Needs the core only; trains nothing.

    python examples/reward_for_grpo.py

In a training, the dataset's columns ``prompt``, ``numbers`` and ``target`` reach the reward by their names:

    from trl import GRPOConfig, GRPOTrainer

    trainer = GRPOTrainer(
        model="...",
        reward_funcs=[arith_puzzle.reward, arith_puzzle.graded_reward],
        args=GRPOConfig(reward_weights=[1.0, 0.1], ...),
        train_dataset=load_dataset("arith-puzzle", "starter", split="train"),
    )
"""

import arith_puzzle

COMPLETIONS = [
    "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4",  # solves the puzzle
    "58-51=7\n6-7=-1\n3*-1=-3\n-3-7=-10",  # all equations hold, but the result is not the target
    "58-51=7\n6-7=1\n3*1=3\n3+1=4",  # the second equation is wrong
    "I think that it is 4.",
]


def main() -> None:
    """Print both rewards of each completion."""
    columns = {"numbers": [[3, 6, 7, 51, 58]] * len(COMPLETIONS), "target": [4] * len(COMPLETIONS)}
    exact = arith_puzzle.reward(COMPLETIONS, **columns)
    graded = arith_puzzle.graded_reward(COMPLETIONS, **columns)
    print(f"{'completion':<40}{'reward':>8}{'graded':>8}")
    for text, one, other in zip(COMPLETIONS, exact, graded, strict=True):
        print(f"{text.replace(chr(10), '  '):<40}{one:>8.2f}{other:>8.2f}")


if __name__ == "__main__":
    main()
