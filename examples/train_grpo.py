"""GRPO with TRL in your own code: the verifier as the reward. Needs the extra [train] and a built dataset.

    arith-puzzle build --config starter --out arith-puzzle
    python examples/train_grpo.py --steps 5 --out my-grpo

The same as one command, with a recipe: arith-puzzle train grpo_tiny_cpu --dataset arith-puzzle --out my-grpo
"""

import argparse

from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

import arith_puzzle
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.evaluation.inference import load


def main() -> None:
    """Train arith-tiny, after its supervised fine-tuning, and print what the log says about each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="arith-puzzle", help="folder or Hub id of the dataset")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--out", default="my-grpo")
    args = parser.parse_args()
    # Of your own model, give GRPOTrainer the name.
    model, tokenizer = load(adapter=str(PACKAGE / "training/adapters/arith-tiny-starter"), merge=True)
    trainer = GRPOTrainer(
        model=model.requires_grad_(True),
        processing_class=tokenizer,
        reward_funcs=arith_puzzle.reward,
        train_dataset=load_dataset(args.dataset, "starter", split="train"),
        args=GRPOConfig(
            output_dir=args.out, max_steps=args.steps, per_device_train_batch_size=128, num_generations=8,
            max_completion_length=32, learning_rate=1e-4, beta=0.0, logging_steps=1, report_to="none", bf16=False,
            use_cpu=True, activation_checkpointing=False, disable_tqdm=True, save_strategy="no",
        ),
    )  # fmt: skip
    trainer.train()
    trainer.save_model(args.out)
    for line in trainer.state.log_history[: args.steps]:
        print(f"step {line['step']}: {line['reward']:.2f} of the samples are right; "
              f"{line['frac_reward_zero_std']:.2f} of the groups have no signal")  # fmt: skip


if __name__ == "__main__":
    main()
