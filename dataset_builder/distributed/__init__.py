"""Build the shards of a config as tasks of datatrove, on one machine or several, and write them to any filesystem."""
