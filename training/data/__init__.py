"""Training data: rows become token ids, are cached on disk, and are packed into sequences."""
