"""Reads the pages of docs/ and runs what they show."""
