"""Training: recipes, models and tokenizers, training data, fine-tuning and GRPO with TRL, rejection sampling, Muon."""
