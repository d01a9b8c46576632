"""The database of the example."""
