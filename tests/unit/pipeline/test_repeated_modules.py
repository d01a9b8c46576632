"""Steps with modules that repeat another: what the compiler checks of them."""

import pytest

from dspex.api.pool import Pool
from fakes.objects import compiled, plan, pool


def judging() -> dict[str, Pool]:
    """Give a Pool with a reward among its tools."""
    return {"small": pool("small", tools=[{"name": "short", "path": "acme.rewards.short"}])}


def step(module: str, config: str) -> str:
    """Return a pipeline of one step."""
    body = f"module: {module}, signature: q -> a, poolRef: {{name: small}}, config: {config}"
    return f"steps: [{{name: s, dspy: {{{body}}}, inputs: {{q: x}}}}]"


@pytest.mark.parametrize(
    ("module", "config", "added"),
    [
        ("MultiChainComparison", "{attempts: 5}", "rationale, type: str"),
        ("BestOfN", "{attempts: 5, reward: short, threshold: 0.5}", "reward, type: float"),
        ("Refine", "{reward: short, base: ChainOfThought}", "reward, type: float"),
    ],
)
def test_what_it_adds_can_be_read_by_later_steps(module: str, config: str, added: str) -> None:
    """With its type."""
    name = added.partition(",")[0]
    output = f"{{name: {added}, value: $(steps.s.outputs.{name})}}"
    text = step(module, config) + f"\noutputs: [{output}]"
    planned = plan(text, pools=judging())
    assert planned.pools == ["small"]


@pytest.mark.parametrize(
    ("module", "config", "code", "path", "words"),
    [
        ("BestOfN", "{}", "RewardMissing", "reward", "does not know which attempt is good"),
        ("Refine", "{reward: shor}", "ToolNotAllowed", "reward", "did you mean short"),
        ("BestOfN", "{reward: short, attempts: 1}", "WrongValue", "attempts", "from 2 to 20"),
        ("BestOfN", "{reward: short, base: X}", "WrongValue", "base", "Predict, ChainOfThought"),
        ("Predict", "{attempts: 3}", "ArgumentUnused", "attempts", "use MultiChainComparison or"),
        ("MultiChainComparison", "{reward: short}", "ArgumentUnused", "reward", "BestOfN or Re"),
    ],
)
def test_a_wrong_argument_is_found_at_its_place(
    module: str, config: str, code: str, path: str, words: str
) -> None:
    """Before anything runs."""
    found = compiled(step(module, config), pools=judging())
    (error,) = found.errors
    assert (error.code, error.path) == (code, f"spec.steps[0].dspy.config.{path}")
    assert words in error.render()
