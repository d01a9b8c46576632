"""Reading manifests from files as kubectl reads them, with positions."""

from dspex.manifests.load import load
from dspex.manifests.manifests import Manifests, Origin

__all__ = ["Manifests", "Origin", "load"]
