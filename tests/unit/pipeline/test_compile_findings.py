"""What the compiler finds, each with the path at which it is found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.errors import Severity
from dspex.pipeline.compile import Compiled, compile_pipeline
from dspex.pipeline.context import Sources
from fakes.objects import compiled, messages, pipeline, pool, signature, sources

CALL = "dspy: {module: Predict, signature: 'x -> out: int', poolRef: {name: fast}}"
TEXT = "template: {source: hello}"

ERRORS = {
    "a cycle of data is printed": (
        (
            "steps:\n"
            "- {name: a, template: {source: '{{ v }}'}, inputs: {v: $(steps.b.outputs.text)}}\n"
            "- {name: b, template: {source: '{{ v }}'}, inputs: {v: $(steps.c.outputs.text)}}\n"
            f"- {{name: c, after: [a], {TEXT}}}"
        ),
        "spec.steps[0]: steps wait for each other in a cycle: a → b → c → a",
    ),
    "a step reads itself without repeat": (
        "steps: [{name: a, template: {source: '{{ v }}'}, inputs: {v: $(steps.a.outputs.text)}}]",
        "spec.steps[0]: steps wait for each other in a cycle: a → a",
    ),
    "after names no step": (
        f"steps: [{{name: first, {TEXT}}}, {{name: b, after: [frist], {TEXT}}}]",
        "spec.steps[1].after[0]: there is no step frist that b could come after",
    ),
    "an expression names no step": (
        "steps: [{name: a, template: {source: '{{ v }}'}, inputs: {v: $(steps.z.outputs.text)}}]",
        "spec.steps[0].inputs.v: unknown name 'steps'",
    ),
    "an expression names no output": (
        (
            f"steps:\n- {{name: a, {TEXT}}}\n"
            "- {name: b, template: {source: '{{ v }}'}, inputs: {v: $(steps.a.outputs.txt)}}"
        ),
        "spec.steps[1].inputs.v: unknown name 'steps.a.outputs.txt'",
    ),
    "a step's output does not fit the next one's input": (
        (
            f"inputs: [{{name: q, type: str}}]\nsteps:\n- {{name: a, inputs: {{x: $(inputs.q)}}, {CALL}}}\n"
            f"- {{name: b, inputs: {{x: $(steps.a.outputs.out)}}, {CALL}}}"
        ),
        "spec.steps[1].inputs.x: inputs.x does not fit x: str",
    ),
    "a constant does not fit": (
        (
            "steps: [{name: a, inputs: {x: [1]}, dspy: {module: Predict, signature: 'x: int -> out', "
            "poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].inputs.x: inputs.x does not fit x",
    ),
    "an input is missing": (
        f"steps: [{{name: a, {CALL}}}]",
        "spec.steps[0].inputs: the step needs the input x: str",
    ),
    "an input is not known": (
        f"steps: [{{name: a, inputs: {{x: q, z: q}}, {CALL}}}]",
        "spec.steps[0].inputs.z: the step takes no input z",
    ),
    "if is not a bool": (
        f"steps: [{{name: a, if: $(1 + 1), {TEXT}}}]",
        "spec.steps[0].if: if is of the wrong type",
    ),
    "if has text around its expression": (
        f"steps: [{{name: a, if: '$(true) $(false)', {TEXT}}}]",
        "spec.steps[0].if: if holds exactly one expression",
    ),
    "items are no list": (
        f"steps: [{{name: a, forEach: {{items: $(1)}}, {TEXT}}}]",
        "spec.steps[0].forEach.items: forEach.items is of the wrong type",
    ),
    "until is no bool": (
        f"steps: [{{name: a, repeat: {{until: $(1)}}, {TEXT}}}]",
        "spec.steps[0].repeat.until: repeat.until is of the wrong type",
    ),
    "forEach and repeat together": (
        f"steps: [{{name: a, forEach: {{items: '$([1])'}}, repeat: {{until: $(true)}}, {TEXT}}}]",
        "spec.steps[0].repeat: a step can't have both forEach and repeat",
    ),
    "an output's type does not fit": (
        (
            f"steps: [{{name: a, {TEXT}}}]\n"
            "outputs: [{name: o, type: int, value: $(steps.a.outputs.text)}]"
        ),
        "spec.outputs[0].value: value does not fit o: int",
    ),
    "an output reads what may be absent": (
        (
            f"steps: [{{name: a, if: $(1 == 2), {TEXT}}}]\n"
            "outputs: [{name: o, value: $(steps.a.outputs.text)}]"
        ),
        "spec.outputs[0].value: the output o reads steps.a.outputs.text, which may be absent",
    ),
    "an output's type can't be read": (
        f"steps: [{{name: a, {TEXT}}}]\noutputs: [{{name: o, type: strr, value: q}}]",
        "spec.outputs[0].type: ",
    ),
    "an input's type can't be read": (
        f"inputs: [{{name: q, type: 'list]'}}]\nsteps: [{{name: a, {TEXT}}}]",
        "spec.inputs[0].type: ",
    ),
    "an input's constraint does not fit its type": (
        f"inputs: [{{name: q, type: int, minLength: 3}}]\nsteps: [{{name: a, {TEXT}}}]",
        "spec.inputs[0].minLength: ",
    ),
    "a default lacks an output": (
        f"steps: [{{name: a, inputs: {{x: q}}, onError: Default, default: {{outputs: {{}}}}, {CALL}}}]",
        "spec.steps[0].default.outputs: default.outputs lacks out: int",
    ),
    "a default is of the wrong type": (
        "steps: [{name: a, inputs: {x: q}, onError: Default, default: {outputs: {out: many}}, "
        + CALL
        + "}]",
        "spec.steps[0].default.outputs.out: default.outputs.out does not fit out",
    ),
    "a default names no output": (
        "steps: [{name: a, inputs: {x: q}, onError: Default, "
        "default: {outputs: {out: 1, more: 2}}, " + CALL + "}]",
        "spec.steps[0].default.outputs.more: the step has no output more",
    ),
    "a fallback's outputs do not fit": (
        f"steps: [{{name: a, inputs: {{x: q}}, fallback: [{{outputs: {{out: many}}}}], {CALL}}}]",
        "spec.steps[0].fallback[0].outputs.out: ",
    ),
    "an expression in a fallback": (
        f"steps: [{{name: a, inputs: {{x: q}}, fallback: [{{outputs: {{out: $(1)}}}}], {CALL}}}]",
        "spec.steps[0].fallback[0].outputs: a fallback's outputs are constants",
    ),
    "an iteration in a repeat's default": (
        "steps: [{name: a, inputs: {x: q}, repeat: {until: $(true)}, onError: Default, "
        "default: {outputs: {out: $(index)}}, " + CALL + "}]",
        "spec.steps[0].default.outputs.out: unknown name 'index'",
    ),
    "a module that the pool does not allow": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: Predct, signature: 'x -> out', "
            "poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].dspy.module: Pool fast does not allow the module Predct",
    ),
    "a fallback to a module that the pool does not allow": (
        f"steps: [{{name: a, inputs: {{x: q}}, fallback: [{{module: shop.Mod}}], {CALL}}}]",
        "spec.steps[0].fallback[0].module: Pool fast does not allow the module shop.Mod",
    ),
    "a tool that the pool does not have": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: ReAct, signature: 'x -> out', "
            "tools: [seek], poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].dspy.tools[0]: Pool fast has no tool seek",
    ),
    "a tool that an MCP server's list does not have": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: ReAct, signature: 'x -> out', "
            "tools: [shop, find_order, find_ordr], poolRef: {name: served}}}]"
        ),
        "spec.steps[0].dspy.tools[2]: Pool served has no tool find_ordr",
    ),
    "a module that calls no tools": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: Predict, signature: 'x -> out', "
            "tools: [find], poolRef: {name: tooled}}}]"
        ),
        "spec.steps[0].dspy.tools: Predict calls no tools",
    ),
    "a demo that does not fit": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: Predict, signature: 'x -> out: int', "
            "demos: [{x: a, out: 1}, {x: b, out: many}], poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].dspy.demos[1].out: the demo does not fit the signature",
    ),
    "an input with a name that DSPy takes": (
        (
            "steps: [{name: a, inputs: {lm: q}, dspy: {module: Predict, signature: 'lm -> out', "
            "poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].dspy.signature: DSPy's Predict takes the name lm for itself",
    ),
    "a parameter that no model call has": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: Predict, signature: 'x -> out', "
            "config: {temprature: 1}, poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].dspy.config.temprature: a call's config has no temprature",
    ),
    "a number of turns that is none": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: ReAct, signature: 'x -> out', "
            "config: {max_iters: 0}, poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].dspy.config.max_iters: config.max_iters is not what the module takes",
    ),
    "an inline signature with a mistake": (
        (
            "steps: [{name: a, inputs: {x: q}, dspy: {module: Predict, signature: 'x -> out: strr', "
            "poolRef: {name: fast}}}]"
        ),
        "spec.steps[0].dspy.signature: ",
    ),
    "a template that reads what is not given": (
        "steps: [{name: a, template: {source: '{{ mesage }}'}, inputs: {message: q}}]",
        "spec.steps[0].template.source: the template reads mesage",
    ),
    "a template with a mistake": (
        "steps: [{name: a, template: {source: '{% if %}'}}]",
        "spec.steps[0].template.source: ",
    ),
    "an unknown metric": (
        "steps: [{name: a, metric: {name: exact_mach}, inputs: {prediction: q, reference: q}}]",
        "spec.steps[0].metric.name: unknown metric 'exact_mach'",
    ),
    "an unknown transform": (
        "steps: [{name: a, transform: {name: pck}, inputs: {value: q}}]",
        "spec.steps[0].transform: unknown transform 'pck'",
    ),
    "an unknown native operation": (
        "steps: [{name: a, native: {operation: nothing}}]",
        "spec.steps[0].native: unknown native operation 'nothing'",
    ),
    "a schema with a mistake": (
        "steps: [{name: a, validate: {schema: {type: nonsense}}, inputs: {v: 1}}]",
        "spec.steps[0].validate",
    ),
    "no time is left for the steps": (
        (
            f"timeouts: {{total: 10s, finally: 10s}}\nsteps: [{{name: a, {TEXT}}}]\n"
            f"finally: [{{name: b, {TEXT}}}]"
        ),
        "spec.timeouts.finally: timeouts.finally leaves no time for the steps",
    ),
    "an output reads a repeated step whose until may lack its value": (
        (
            "steps:\n- {name: a, repeat: {until: $(steps.a.outputs.done), maxIterations: 2}, "
            "dspy: {module: Predict, signature: 'x -> out, done: bool | None', "
            "poolRef: {name: fast}}, inputs: {x: q}}\n"
            "outputs: [{name: o, value: $(steps.a.outputs.out)}]"
        ),
        "spec.outputs[0].value: the output o reads steps.a.outputs.out, which may be absent",
    ),
    "a fallback's pool lacks a tool of the step": (
        (
            "steps: [{name: a, inputs: {x: q}, fallback: [{poolRef: {name: fast}}], dspy: {module: "
            "ReAct, signature: 'x -> out', tools: [find], poolRef: {name: tooled}}}]"
        ),
        "spec.steps[0].fallback[0].poolRef.name: Pool fast has no tool find",
    ),
    "a step reads a finally step": (
        (
            "steps: [{name: a, template: {source: '{{ v }}'}, inputs: {v: $(steps.z.outputs.text)}}]\n"
            f"finally: [{{name: z, {TEXT}}}]"
        ),
        "spec.steps[0].inputs.v: unknown name 'steps'",
    ),
    "an expression with wrong syntax": (
        "steps: [{name: a, template: {source: '{{ v }}'}, inputs: {v: $(1 +)}}]",
        "spec.steps[0].inputs.v: ",
    ),
}


def find(text: str) -> Compiled:
    """Compile with the pools that the cases name."""
    pools = {
        "fast": pool("fast"),
        "tooled": pool("tooled", tools=[{"name": "find", "path": "shop.find"}]),
        "served": pool(
            "served",
            tools=[{"name": "shop", "mcp": {"http": {"url": "http://x"}, "tools": ["find_order"]}}],
        ),
    }
    return compile_pipeline(pipeline(text), Sources(pools=pools))


@pytest.mark.parametrize("case", ERRORS)
def test_a_mistake_is_found_at_its_place(case: str) -> None:
    """There is an error with the path and the message, and no plan."""
    text, expected = ERRORS[case]
    found = find(text)
    assert found.plan is None
    assert any(line.startswith(expected) for line in messages(found)), messages(found)
    assert all(each.severity is Severity.ERROR for each in found.errors)
    assert all(each.subject == "Pipeline/main" for each in found.diagnostics)


def test_a_wrong_name_gets_a_caret_under_it() -> None:
    """The finding shows the expression and points into it."""
    found = find(ERRORS["an expression names no output"][0])
    shown = found.errors[0].render()
    assert "    $(steps.a.outputs.txt)\n                      ^~~" in shown
    assert "did you mean 'steps.a.outputs.text'" in shown


def test_all_mistakes_come_at_once() -> None:
    """Three steps with a mistake each give three errors, and what reads them gives none more."""
    found = find(
        "steps:\n"
        f"- {{name: a, if: $(1), {TEXT}}}\n"
        "- {name: b, template: {source: '{{ v }}'}}\n"
        "- {name: c, template: {source: '{{ v }}'}, inputs: {v: $(steps.a.outputs.text)}}\n"
        "- {name: d, metric: {name: nothing}, inputs: {prediction: 1, reference: 1}}\n"
        "outputs: [{name: o, value: $(steps.b.outputs.text)}]"
    )
    assert [each.path for each in found.errors] == [
        "spec.steps[0].if",
        "spec.steps[1].template.source",
        "spec.steps[3].metric.name",
    ]


def test_a_finally_step_that_reads_a_broken_step_is_not_reported_again() -> None:
    """One mistake, one error."""
    found = find(
        f"steps: [{{name: a, if: $(1), {TEXT}}}]\n"
        "finally: [{name: z, template: {source: '{{ v }}'}, inputs: {v: $(steps.a.state)}}]"
    )
    assert [each.path for each in found.errors] == ["spec.steps[0].if"]


def test_missing_references_are_returned_and_not_raised() -> None:
    """Each is there with kind, name and place; the plan is not."""
    found = compiled("""
        steps:
        - {name: a, dspy: {module: Predict, signatureRef: {name: s}, poolRef: {name: fats}}}
        - {name: b, template: {sourceFrom: {configMapRef: {name: texts, key: k}}}}
        - {name: c, pipelineRef: {name: p}}
        - {name: d, validate: {signatureRef: {name: s}}, inputs: {v: 1}}
        """)
    assert found.plan is None
    assert found.errors == ()
    assert [(m.kind, m.name, m.path) for m in found.missing] == [
        ("Signature", "s", "spec.steps[0].dspy.signatureRef.name"),
        ("Pool", "fats", "spec.steps[0].dspy.poolRef.name"),
        ("ConfigMap", "texts", "spec.steps[1].template.sourceFrom.configMapRef"),
        ("Pipeline", "p", "spec.steps[2].pipelineRef.name"),
        ("Signature", "s", "spec.steps[3].validate.signatureRef.name"),
    ]
    assert found.missing[1].diagnostic.remedy == "did you mean fast?"


def test_a_missing_key_of_a_config_map_is_named() -> None:
    """The map is there, the key is not."""
    found = compiled(
        "steps: [{name: b, template: {sourceFrom: {configMapRef: {name: texts, key: k}}}}]",
        config_maps={"texts": {"kk": "x"}},
    )
    assert found.missing[0].diagnostic.message == "there is no key 'k' of ConfigMap texts"


def test_a_referenced_signatures_mistakes_come_under_its_own_name() -> None:
    """The finding's subject is the Signature, once for all steps that name it."""
    steps = "\n".join(
        f"- {{name: {name}, dspy: {{module: Predict, signatureRef: {{name: s}},"
        " poolRef: {name: fast}}}"
        for name in ("a", "b")
    )
    bad = signature("signature: 'q -> a: strr'", "s")
    found = compile_pipeline(pipeline(f"steps:\n{steps}"), sources(signatures={"s": bad}))
    assert [(each.subject, each.path) for each in found.errors] == [
        ("Signature/s", "spec.signature")
    ]


WARNINGS = {
    "an input that nothing reads": (
        f"inputs: [{{name: q, type: str}}]\nsteps: [{{name: a, {TEXT}}}]",
        ["spec.inputs[0]: nothing reads the input q"],
    ),
    "an input that the template does not read": (
        "steps: [{name: a, template: {source: hi}, inputs: {v: 1}}]",
        ["spec.steps[0].inputs.v: the template does not read the input v"],
    ),
    "steps that never run": (
        (
            f"steps:\n- {{name: a, if: $(false), {TEXT}}}\n"
            "- {name: b, template: {source: '{{ v }}'}, inputs: {v: $(steps.a.outputs.text)}}\n"
            "- {name: c, template: {source: '{{ v }}'},"
            " inputs: {v: \"$(coalesce(steps.a.outputs.text, ''))\"}}"
        ),
        [
            "spec.steps[0]: the step a never runs: its if is always false",
            "spec.steps[1]: the step b never runs: it reads a, which never runs",
        ],
    ),
    "a repeated step that needs what its first iteration has not": (
        (
            "steps: [{name: a, repeat: {until: $(index > 1), maxIterations: 3}, "
            "template: {source: '{{ v }}'}, inputs: {v: $(steps.a.outputs.text)}}]"
        ),
        [
            (
                "spec.steps[0].inputs.v: the step a never runs: its first iteration has no "
                "steps.a.outputs.text to read"
            )
        ],
    ),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_a_warning_does_not_keep_the_plan_back(case: str) -> None:
    """The warnings are just these, and there is a plan."""
    text, expected = WARNINGS[case]
    found = find(text)
    assert found.plan is not None
    assert messages(found) == expected
    assert found.warnings == found.diagnostics


def _chain(length: int, *, back: bool = False) -> Compiled:
    names = [f"p{index}" for index in range(length)]
    bodies = {
        name: pipeline(f"steps: [{{name: s, pipelineRef: {{name: {after}}}}}]", name)
        for name, after in zip(names, names[1:] + ([names[0]] if back else []), strict=False)
    }
    if not back:
        bodies[names[-1]] = pipeline(f"steps: [{{name: s, {TEXT}}}]", names[-1])
    return compile_pipeline(bodies["p0"], sources(pipelines=bodies))


def test_pipelines_that_name_each_other_in_a_cycle_are_refused() -> None:
    """The cycle is printed."""
    found = _chain(3, back=True)
    assert "p0 → p1 → p2 → p0" in found.errors[0].message


def test_sub_pipelines_may_be_eight_deep() -> None:
    """Eight inside the first are allowed, nine are not."""
    nested = _chain(9).plan
    assert nested is not None
    assert sorted(nested.pipelines) == [f"p{index}" for index in range(1, 9)]
    assert "more than 8" in _chain(10).errors[0].message


def test_a_sub_pipeline_that_is_named_again_deeper_is_counted_there() -> None:
    """Eight below the first, and the same eight below another one, are nine: in either order."""
    chain = {
        f"p{index}": pipeline(
            f"steps: [{{name: s, pipelineRef: {{name: p{index + 1}}}}}]"
            if index < 8
            else f"steps: [{{name: s, {TEXT}}}]",
            f"p{index}",
        )
        for index in range(1, 9)
    }
    chain["deeper"] = pipeline("steps: [{name: s, pipelineRef: {name: p1}}]", "deeper")
    for names in (["p1", "deeper"], ["deeper", "p1"]):
        steps = "\n".join(f"- {{name: by_{name}, pipelineRef: {{name: {name}}}}}" for name in names)
        found = compile_pipeline(pipeline(f"steps:\n{steps}"), sources(pipelines=chain))
        assert "more than 8 pipelines inside each other" in found.errors[0].message


def test_sub_pipelines_errors_come_under_their_own_name() -> None:
    """The outer pipeline has no plan; the finding says which pipeline is wrong."""
    child = pipeline("steps: [{name: a, if: $(1), template: {source: hi}}]", "child")
    found = compiled(
        "steps:\n        - {name: s, pipelineRef: {name: child}}\n"
        "        - {name: t, pipelineRef: {name: child}}",
        pipelines={"child": child},
    )
    assert found.plan is None
    assert [each.subject for each in found.errors] == ["Pipeline/child"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["if", "inputs", "items", "output", "signature"]))
def test_any_text_in_any_place_gives_a_plan_or_findings(text: str, place: str) -> None:
    """The compiler never raises, whatever a string holds."""
    quoted = "'" + "".join(c for c in text if c.isprintable()).replace("'", "''") + "'"
    spec = {
        "if": f"steps: [{{name: a, if: '$(' , {TEXT}}}]".replace("'$('", quoted),
        "inputs": f"steps: [{{name: a, template: {{source: '{{{{ v }}}}'}}, inputs: {{v: {quoted}}}}}]",
        "items": f"steps: [{{name: a, forEach: {{items: {quoted}}}, {TEXT}}}]",
        "output": f"steps: [{{name: a, {TEXT}}}]\noutputs: [{{name: o, value: {quoted}}}]",
        "signature": "steps: [{name: a, inputs: {x: q}, dspy: {module: Predict, "
        f"signature: {quoted}, poolRef: {{name: fast}}}}}}]",
    }[place]
    try:
        made = pipeline(spec)
    except ValueError:
        return
    found = compile_pipeline(made, sources())
    assert found.plan is not None or found.errors
