"""AugGSM8K: augment GSM8K's questions and solutions with a chat model or with exact rules (arXiv 2310.05506)."""
