"""The native engine: signatures, expressions, templates, validation, metrics, transforms.

Pure Python over small compiled libraries: no DSPy, no Kubernetes, no I/O. Runs in the command
line, the operator, the runner and (without `expressions`) the worker.
"""
