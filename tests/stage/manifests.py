"""Objects that several tests on the cluster apply."""

from typing import Any, Final

from stage import model
from stage.kubectl import Object

API: Final = "dspex.dev/v1alpha1"


def resource(kind: str, name: str, **spec: Any) -> Object:
    """Return an object of DSPex."""
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def pool(name: str = "small", *, replicas: int = 1, **spec: Any) -> Object:
    """Return a Pool whose workers call the stub model; small requests, so that many fit."""
    defaults: dict[str, Any] = {
        "replicas": replicas,
        "model": {"name": "openai/stub", "apiBase": model.BASE},
        "resources": {"requests": {"cpu": "10m", "memory": "100Mi"}},
    }
    return resource("Pool", name, **{**defaults, **spec})


def asking(name: str = "ask", *, pool: str = "small", question: str, **step: Any) -> Object:
    """Return a step that asks the stub model."""
    return {
        "name": name,
        "dspy": {
            "module": "Predict",
            "signature": "question -> answer",
            "poolRef": {"name": pool},
        },
        "inputs": {"question": question},
        **step,
    }


def chain(name: str, length: int, *, pool: str = "small", order: str = "") -> Object:
    """Return a Pipeline of steps in sequence; each asks about the answer of the one before.

    Args:
        name: Of the Pipeline.
        length: How many steps: s1, s2, ….
        pool: Where they run.
        order: What each question orders from the stub, such as `wait=1`.
    """
    steps = []
    for number in range(1, length + 1):
        # With an order every question is its own, so that the stub's counts tell the steps apart.
        before = number > 1 and not order
        subject = f"$(steps.s{number - 1}.outputs.answer)" if before else "$(inputs.question)"
        after = {"after": [f"s{number - 1}"]} if number > 1 else {}
        words = [str(number), order, subject] if order else [str(number), subject]
        steps.append(asking(f"s{number}", pool=pool, question=" ".join(words), **after))
    return resource(
        "Pipeline",
        name,
        inputs=[{"name": "question", "type": "str"}],
        steps=steps,
        outputs=[{"name": "answer", "type": "str", "value": f"$(steps.s{length}.outputs.answer)"}],
    )


def greeting(name: str = "greeting") -> Object:
    """Return a Pipeline of three native steps, which needs no worker."""
    return resource(
        "Pipeline",
        name,
        inputs=[{"name": "name", "type": "str"}],
        steps=[
            {
                "name": "text",
                "template": {"source": "Hello {{ name }}!"},
                "inputs": {"name": "$(inputs.name)"},
            },
            {
                "name": "exact",
                "metric": {"name": "exact_match"},
                "inputs": {
                    "prediction": "$(steps.text.outputs.text)",
                    "reference": "Hello world!",
                },
            },
            {
                "name": "again",
                "template": {"source": "{{ score }}"},
                "inputs": {"score": "$(steps.exact.outputs.score)"},
            },
        ],
        outputs=[
            {"name": "text", "type": "str", "value": "$(steps.text.outputs.text)"},
            {"name": "score", "type": "float", "value": "$(steps.exact.outputs.score)"},
        ],
    )


def run(pipeline: str, name: str, *, inputs: Object | None = None, **spec: Any) -> Object:
    """Return a PipelineRun."""
    given = {} if inputs is None else {"inputs": inputs}
    return resource("PipelineRun", name, pipelineRef={"name": pipeline}, **given, **spec)
