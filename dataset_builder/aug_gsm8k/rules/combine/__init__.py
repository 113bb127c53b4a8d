"""Parts of the strategy ``combine_concepts``: the final question as a noun phrase, and the concepts that join it."""
