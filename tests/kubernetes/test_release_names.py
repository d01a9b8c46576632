"""The images of a release: the chart, as helm renders it, names them, and they are small."""

from chart.render import Helm
from cluster.cluster import Cluster, environment
from distribution.artifacts import released, rendered
from dspex import __version__
from images.build import sizes, too_large
from images.image import IMAGES


def test_the_charts_defaults_name_images_of_the_release(cluster: Cluster) -> None:
    """Operator, runner and both kinds of workers; the image with litellm is named by a Pool."""
    named = rendered(Helm(environment(cluster)).objects())
    names = {image.name: released(image, __version__) for image in IMAGES.values()}
    assert named == {names["operator"], names["worker"], names["embedded"]}


def test_the_images_are_as_small_as_promised(cluster: Cluster) -> None:
    """Those that the cluster runs, by what they have above their base."""
    del cluster
    found = sizes()
    assert {"base", "operator", "worker"} <= found.keys()
    assert too_large(found) == []
