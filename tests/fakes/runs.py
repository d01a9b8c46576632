"""A namespace with a Pipeline and its runs, on a desk; a test plays runner, kubelet and Job."""

import datetime
import functools
from typing import Any

from dspex.api.conditions import pending
from dspex.api.pipelinerun import PipelineRunStatus
from dspex.controllers import pipelinerun
from dspex.controllers.decision import Decision
from dspex.controllers.run_view import OWNED
from dspex.kube.kind import JOB, PIPELINE, PIPELINE_RUN, POOL, SERVICE_ACCOUNT, Kind
from dspex.resources import names
from dspex.resources.runner_job import RunnerSettings
from fakes.items import Object, item
from fakes.kstatus import kstatus
from fakes.pods import container, pod
from fakes.worlds import Desk, condition, uid_of

SETTINGS = RunnerSettings(image="example.com/operator:1")

ASK: Object = {
    "name": "ask",
    "dspy": {"module": "Predict", "signature": "message -> answer", "poolRef": {"name": "small"}},
    "inputs": {"message": "$(inputs.message)"},
}
MESSAGE: Object = {"name": "message", "type": "str"}


class Runs(Desk):
    """A namespace that is prepared, with the Pool `small` and the Pipeline `main`."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = SETTINGS
        self.put(item(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT, version=0))
        self.pool()
        self.pipeline()

    # What people do.

    def pool(self, name: str = "small", **spec: Any) -> None:
        """Apply a Pool."""
        made = {"model": {"name": "openai/x"}, **spec}
        self.put(item(POOL, name, version=0, spec=made))

    def pipeline(self, **spec: Any) -> None:
        """Apply the Pipeline: one step that asks the Pool for the input `message`."""
        made = {"inputs": [MESSAGE], "steps": [ASK], **spec}
        self.put(item(PIPELINE, "main", version=0, spec=made))

    def start(self, name: str = "r-1", **spec: Any) -> Object:
        """Create a run."""
        made = {"pipelineRef": {"name": "main"}, "inputs": {"message": "hello"}, **spec}
        conditions = [each.to_json() for each in pending(run=True)]
        created = {"conditions": conditions}
        return self.put(item(PIPELINE_RUN, name, version=0, spec=made, status=created))

    def started(self, name: str = "r-1", **spec: Any) -> Decision:
        """Create a run and look at it: it has its Job then."""
        self.start(name, **spec)
        decision = self.look(name)
        assert self.has(JOB, job_of(name)), decision.status
        return decision

    def edit(self, name: str = "r-1", **spec: Any) -> None:
        """Change a run's spec."""
        self.change(PIPELINE_RUN, name, spec=spec)

    # What the operator does.

    def decide(self, name: str = "r-1") -> Decision:
        """Look at a run."""
        found = functools.partial(pipelinerun.decide, self.settings)
        return self.ask(found, self.get(PIPELINE_RUN, name))

    def look(self, name: str = "r-1") -> Decision:
        """Look at a run, and do what follows; what is decided has its place in status."""
        decision = self.decide(name)
        if decision.status is not None:
            PipelineRunStatus.model_validate(decision.status, by_alias=True)
            assert set(decision.status) <= OWNED
        self.do(self.get(PIPELINE_RUN, name), decision, OWNED)
        return decision

    # What the cluster does.

    def runner(self, name: str = "r-1", **said: Any) -> None:
        """Have a runner say something of itself."""
        self.change(PIPELINE_RUN, name, status={"runner": said})

    def claim(self, name: str = "r-1", pod_name: str = "p-1") -> None:
        """Have the runner of a pod claim the run."""
        before = self.get(PIPELINE_RUN, name)["status"].get("runner", {})
        start = before.get("startTime", self.time)
        epoch = before.get("epoch", 0) + 1
        uid = f"pod-{pod_name}"
        self.runner(name, epoch=epoch, podUID=uid, phase="Running", startTime=start)

    def last_word(self, name: str = "r-1", **said: Any) -> None:
        """Have the runner say how the run ended."""
        word = {"state": "Succeeded", "reason": "Succeeded", "completionTime": self.time, **said}
        self.runner(name, phase="Finished", **word)

    def pod(self, name: str, *containers: Object, run: str = "r-1", **given: Any) -> None:
        """Have a pod of a run's Job there; by default it runs."""
        labels = {names.RUN_UID_LABEL: uid_of(PIPELINE_RUN, run)}
        uid = self.get(JOB, job_of(run))["metadata"]["uid"]
        metadata = {"ownerReferences": [{"kind": "Job", "uid": uid}], **given.pop("metadata", {})}
        given.setdefault("created", self.time)
        self.put(pod(name, *containers, labels=labels, metadata=metadata, **given))

    def running_pod(self, name: str = "p-1", run: str = "r-1", **given: Any) -> None:
        """Have a pod there whose container runs."""
        self.pod(name, container({"running": {}}, ready=True), run=run, **given)

    def job_condition(
        self, kind: str, status: str = "True", message: str = "", run: str = "r-1"
    ) -> None:
        """Have the Job's controller say something; it says it now."""
        job = self.get(JOB, job_of(run))
        before = job.get("status") or {}
        found = {each["type"]: each for each in before.get("conditions", [])}
        words = {"message": message} if message else {}
        found[kind] = {"type": kind, "status": status, "lastTransitionTime": self.time, **words}
        self.put({**job, "status": {**before, "conditions": list(found.values())}})

    # What is seen.

    def status(self, name: str = "r-1") -> Object:
        """Return a run's status."""
        found: Object = self.get(PIPELINE_RUN, name)["status"]
        return found

    def standing(self, name: str = "r-1") -> tuple[str, str, str]:
        """Return what kstatus says, and reason and message of Succeeded."""
        found = condition(self.status(name), "Succeeded")
        return kstatus(self.get(PIPELINE_RUN, name)), found["reason"], found["message"]

    def suspended(self, name: str = "r-1") -> bool:
        """Say whether a run's Job is suspended."""
        found: bool = self.get(JOB, job_of(name))["spec"]["suspend"]
        return found


def job_of(name: str) -> str:
    """Return the name of a run's Job."""
    return names.job_name(name, uid_of(PIPELINE_RUN, name))


def plan_of(name: str) -> str:
    """Return the name of the ConfigMap with a run's plan."""
    return names.plan_name(job_of(name))


def made(decision: Decision, kind: Kind) -> Object:
    """Return the object of a kind that a decision creates."""
    return next(each for each in decision.create if each["kind"] == kind.name)


def at(moment: datetime.datetime, seconds: float) -> datetime.datetime:
    """Return a moment some seconds later."""
    return moment + datetime.timedelta(seconds=seconds)
