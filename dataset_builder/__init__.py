"""The puzzle and its data: text formats, generator, solver, shards and loading script. Nothing here needs torch."""
