"""Values that the run's status has no place for: they stand in PipelineRunData, whole."""

import json

from stage.kubectl import Kubectl, condition, has_ended
from stage.manifests import resource, run

LENGTH = 100_000
LIMIT = 64 * 1024


def writing(name: str, length: int) -> dict[str, object]:
    """Return a Pipeline whose one output is a text of so many characters."""
    source = f"{{% for _ in range({length // 10}) %}}0123456789{{% endfor %}}"
    return resource(
        "Pipeline",
        name,
        steps=[{"name": "write", "template": {"source": source}}],
        outputs=[{"name": "text", "value": "$(steps.write.outputs.text)"}],
    )


def test_outputs_over_64_kib_go_to_data(kubectl: Kubectl) -> None:
    """The status names the object that holds them; with the run it is deleted."""
    kubectl.apply(writing("long", LENGTH), run("long", "wordy"))
    ended = kubectl.until("drun", "wordy", has_ended)
    assert condition(ended, "Succeeded")["status"] == "True", ended["status"]
    assert "outputs" not in ended["status"]
    name = ended["status"]["outputsRef"]["name"]
    data = kubectl.get("drundata", name)
    assert data["spec"]["outputs"] == {"text": "0123456789" * (LENGTH // 10)}
    assert len(json.dumps(ended["status"])) < LIMIT
    owner = data["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["uid"]) == (
        "PipelineRun",
        "wordy",
        ended["metadata"]["uid"],
    )
    kubectl("delete", "drun", "wordy")
    kubectl.gone("drundata", name)


def test_outputs_that_fit_nowhere_are_refused_whole(kubectl: Kubectl) -> None:
    """Over 512 KiB the step fails, with size, limit and remedy; nothing is cut."""
    kubectl.apply(writing("longest", 600_000), run("longest", "too-wordy"))
    ended = kubectl.until("drun", "too-wordy", has_ended)
    [step] = ended["status"]["steps"]
    assert step["error"]["reason"] == "OutputTooLarge"
    words = condition(ended, "Succeeded")["message"]
    for part in ("OutputTooLarge", "600", "524288", "store"):
        assert part in words
