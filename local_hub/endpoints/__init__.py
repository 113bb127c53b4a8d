"""The request handlers, one module per topic. routes.py says which address leads to which function."""
