"""The compiler: from a Pipeline and the objects that it names to a plan, or to findings.

A pure function: it reads nothing but its arguments, and the same arguments give the same plan.
"""

from dspex.pipeline.compile.compiler import Compiled, compile_pipeline

__all__ = ["Compiled", "compile_pipeline"]
