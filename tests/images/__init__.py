"""Builds the images of this tree, without a registry where there is none.

PYTHONPATH=tests python -m images build|load|sizes
"""

from images.build import archive, load
from images.image import IMAGES, Image

__all__ = ["IMAGES", "Image", "archive", "load"]
