"""The chart under test: rendered by helm, written to deploy/, its rights tried with real tokens."""
