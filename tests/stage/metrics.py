"""The operator's metrics, read through the API server."""

from prometheus_client.parser import text_string_to_metric_families

from stage.release import Release


def leader_metric(release: Release, name: str, **labels: str) -> float:
    """Return the sum of a metric of the operator that leads.

    Args:
        release: The installed chart.
        name: Of the samples.
        labels: Those that a sample must have to count.
    """
    path = f"/api/v1/namespaces/{release.namespace}/pods/{release.leader()}:8080/proxy/metrics"
    return sum(
        sample.value
        for family in text_string_to_metric_families(release.kubectl("get", "--raw", path))
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
