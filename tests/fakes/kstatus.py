"""What kstatus makes of an object of a kind that it has no rules of its own for."""

from typing import Any

IN_PROGRESS = "InProgress"
FAILED = "Failed"
CURRENT = "Current"
TERMINATING = "Terminating"

_BY_CONDITION = {("Reconciling", "True"): IN_PROGRESS, ("Stalled", "True"): FAILED}


def kstatus(item: dict[str, Any]) -> str:
    """Return the word that Flux, kpt and Argo CD's users wait for.

    In the order of its rules: an object that is being deleted; a spec that status does not speak of
    yet; the first of Reconciling and Stalled that is true; Ready; and else it is Current.
    """
    metadata, status = item["metadata"], item.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return TERMINATING
    observed = status.get("observedGeneration")
    if observed is not None and "generation" in metadata and observed != metadata["generation"]:
        return IN_PROGRESS
    conditions = status.get("conditions") or ()
    for each in conditions:
        found = _BY_CONDITION.get((each["type"], each["status"]))
        if found is not None:
            return found
    unready = [each for each in conditions if each["type"] == "Ready" and each["status"] != "True"]
    return IN_PROGRESS if unready else CURRENT
