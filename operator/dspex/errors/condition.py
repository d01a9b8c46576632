"""Reasons of conditions: why an object stands as it does on a cluster, for tools and people."""

import enum


class ConditionReason(enum.StrEnum):
    """A reason that the operator gives in a condition or an Event.

    Those of steps, and of runs that ended by their runner's word, are `Reason`.

    Attributes:
        kinds: Of which it is said.
        summary: What it says, for the reference page.
        remedy: What a person would do about it.
    """

    kinds: str
    summary: str
    remedy: str

    def __new__(cls, value: str, kinds: str, summary: str, remedy: str) -> "ConditionReason":
        """Make a member from its name and its documentation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.kinds = kinds
        member.summary = summary
        member.remedy = remedy
        return member

    # Every kind
    PENDING = (
        "Pending",
        "every kind",
        "Nobody has looked at it yet.",
        "Where it stays so: no operator leads, or the chart's `namespaces` lack its namespace.",
    )
    REFUSED = (
        "Refused",
        "every kind",
        "The API server does not take what the operator makes of it; the message has its words.",
        "Mend the quota, policy or right that it speaks of: the operator tries again by itself.",
    )
    # Signatures and Pipelines
    PARSED = ("Parsed", "Signature", "It is right; the message is its canonical form.", "Nothing.")
    COMPILED = (
        "Compiled",
        "Pipeline",
        "It can be run; the message says of what it consists.",
        "Nothing.",
    )
    MISSING_REFERENCE = (
        "MissingReference",
        "Pipeline, PipelineRun",
        "Something that it names is not there, or not valid; the message says what.",
        "Apply it. A Pipeline waits for ever, a run for ten minutes.",
    )
    # Pools
    WORKERS_READY = ("WorkersReady", "Pool", "All workers answer.", "Nothing.")
    SCALED_TO_ZERO = (
        "ScaledToZero",
        "Pool",
        "No workers are wanted, and none are there.",
        "Raise `spec.replicas` before a run calls it: calls wait until their timeout.",
    )
    STARTING = (
        "Starting",
        "Pool, PipelineRun",
        "Pods are being made, or their containers start.",
        "Wait. Where it lasts, look at the pod's Events: a volume may be missing.",
    )
    ROLLING = (
        "Rolling",
        "Pool",
        "Workers with a former spec are replaced, one at a time.",
        "Wait: a worker ends the calls that it has.",
    )
    UNSCHEDULABLE = (
        "Unschedulable",
        "Pool, PipelineRun",
        "No node has room for a pod, or the labels and devices that it asks for.",
        "Read the scheduler's words: add nodes, or lower requests, gpu or selectors.",
    )
    IMAGE_UNAVAILABLE = (
        "ImageUnavailable",
        "Pool, PipelineRun",
        "The image can't be had: name, registry or pull secret is wrong.",
        "Correct `image` or `imagePullSecrets`, of Pool or chart; the kubelet tries again.",
    )
    CONTAINER_CONFIG = (
        "ContainerConfig",
        "Pool, PipelineRun",
        "The kubelet can't make the container: a Secret or ConfigMap, or a key of one, is missing.",
        "Create what the message names; the kubelet tries again.",
    )
    OUT_OF_MEMORY = (
        "OutOfMemory",
        "Pool, PipelineRun",
        "A container needed more memory than its limit, and was killed.",
        "Raise the memory limit: a Pool's `resources`, or a Pipeline's `runner.resources`.",
    )
    CRASHED = (
        "Crashed",
        "Pool, PipelineRun",
        "A container ended with an error; the message has its last words.",
        "Read them, and the log of the former container: `kubectl logs --previous`.",
    )
    EVICTED = (
        "Evicted",
        "PipelineRun",
        "Its pod was taken away: deleted, drained, preempted, or for want of memory or disk.",
        "Nothing: another goes on from the last checkpoint. If it happens often, raise requests.",
    )
    PODS_REFUSED = (
        "PodsRefused",
        "Pool",
        "Pods can't be created: a quota, a policy or a missing ServiceAccount.",
        "Mend what the message names; it is tried again.",
    )
    # Runs
    PREPARING = (
        "Preparing",
        "PipelineRun",
        "The namespace is being set up for its first run.",
        "Nothing. Where it lasts, the operator's log says what is refused.",
    )
    QUEUED = (
        "Queued",
        "PipelineRun",
        "As many runs as the Pipeline's `maxActiveRuns` allows are under way.",
        "Wait: the oldest starts first. Or raise `maxActiveRuns`.",
    )
    SUSPENDED = (
        "Suspended",
        "PipelineRun",
        "`spec.suspend` holds it; what was done is kept.",
        "Set `spec.suspend` to false.",
    )
    RUNNING = ("Running", "PipelineRun", "Its runner is at work.", "Nothing.")
    ENDING = (
        "Ending",
        "PipelineRun",
        "It was told to end, or is suspended, and its pod winds up.",
        "Wait: at most 30 s. Where its node is lost, until that is noticed.",
    )
    PIPELINE_INVALID = (
        "PipelineInvalid",
        "PipelineRun",
        "The Pipeline that it names has errors; the message lists them.",
        "Mend the Pipeline, then start a new run.",
    )
    RUN_INVALID = (
        "RunInvalid",
        "PipelineRun",
        "Its spec, or an input, is not what it must be.",
        "Start a new run: the spec of this one can't be changed.",
    )
    PLAN_TOO_LARGE = (
        "PlanTooLarge",
        "PipelineRun",
        "The plan does not fit into an object of the cluster.",
        "Move steps into Pipelines that other runs start, shorten templates and demos.",
    )
    PLAN_LOST = (
        "PlanLost",
        "PipelineRun",
        "The ConfigMap with its plan was deleted, and its Pipeline makes another one by now.",
        "Start a new run.",
    )
    START_TIMEOUT = (
        "StartTimeout",
        "PipelineRun",
        "It could not start in time; the message says what it waited for.",
        "Mend that, then start a new run.",
    )
    RUNNER_FAILED = (
        "RunnerFailed",
        "PipelineRun",
        "Its pods ended one after the other without finishing the run.",
        "Read the message and the pods' logs; then start a new run.",
    )
    RUNNER_LOST = (
        "RunnerLost",
        "PipelineRun",
        "Its pod ended, and no word of the run's end came.",
        "Look at the pod's log and at the API server's health; then start a new run.",
    )
    # Events alone
    STARTED = ("Started", "PipelineRun", "Its plan is frozen and its Job is there.", "Nothing.")
    RESTARTED = (
        "Restarted",
        "PipelineRun",
        "Its Job was gone before the run had ended, and is there again.",
        "Nothing: it goes on from its last checkpoint. To end a run, set `spec.shutdown`.",
    )
    TRIGGERED = ("Triggered", "Pipeline", "A trigger has started a run.", "Nothing.")
    TRIGGER_WAITS = (
        "TriggerWaits",
        "Pipeline",
        "A trigger's run is due, and a former one has not ended: its policy is Forbid.",
        "Wait, or end the former run. Where it happens often, start runs less often.",
    )
    TRIGGER_FAILED = (
        "TriggerFailed",
        "Pipeline",
        "An expression in a trigger's `runTemplate.inputs` failed, and the run is left out.",
        "Mend the expression that the message speaks of.",
    )
    MISSED_SCHEDULE = (
        "MissedSchedule",
        "Pipeline",
        "Times of a schedule passed without a run; the message says how many and why.",
        "The operator was down, the trigger suspended, the Pipeline not Ready or a run too long.",
    )
