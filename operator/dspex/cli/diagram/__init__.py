"""Drawings of a compiled pipeline."""
