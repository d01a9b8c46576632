"""What a person sees of a run while it runs: a live table, or lines where there is no terminal."""
