"""DSPex: typed DSPy tasks, warm workers and typed pipelines, on Kubernetes and on a laptop.

Importing this package loads neither DSPy nor a Kubernetes client.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
