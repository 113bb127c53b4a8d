"""Turn manifests and results into cards, tables and benchmark files."""
