"""The server's side of the environment."""
