"""The puzzle and its data: text formats, search traces, generator, solver, shards and loading script; and AugGSM8K.

Nothing here needs torch.
"""
