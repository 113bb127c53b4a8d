"""Training: recipes, models and tokenizers, the token cache, and supervised fine-tuning with TRL."""
