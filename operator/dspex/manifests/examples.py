"""One manifest of each kind, for the reference pages; a test loads them."""

from typing import Final

EXAMPLES: Final = {
    "Signature": """\
apiVersion: dspex.dev/v1alpha1
kind: Signature
metadata:
  name: triage
spec:
  signature: "message: str -> topic: Literal['billing', 'bug', 'other'], urgent: bool, summary: str"
  instructions: Classify a support message.
  fields:
  - name: summary
    description: One sentence for the person on duty.
    maxLength: 200
""",
    "Pool": """\
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata:
  name: small
spec:
  profile: General
  replicas: 2
  model:
    name: openai/gpt-4o-mini
    apiKeySecretRef: {name: llm, key: api-key}
    temperature: 0
  queue: {size: 64, timeout: 20s}
  tools:
  - {name: search, path: shop.tools.search}
""",
    "Pipeline": """\
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata:
  name: support
spec:
  inputs:
  - {name: message, type: str}
  steps:
  - name: triage
    dspy: {module: Predict, signatureRef: {name: triage}, poolRef: {name: small}}
    inputs: {message: $(inputs.message)}
    retry: {attempts: 3}
  - name: mood
    dspy: {module: ChainOfThought, signature: "message -> mood: str", poolRef: {name: small}}
    inputs: {message: $(inputs.message)}
  - name: page
    if: $(steps.triage.outputs.urgent)
    template: {source: "URGENT ({{ mood }}): {{ summary }}"}
    inputs: {mood: $(steps.mood.outputs.mood), summary: $(steps.triage.outputs.summary)}
  outputs:
  - {name: topic, type: str, value: $(steps.triage.outputs.topic)}
  - {name: note, type: str, value: "$(coalesce(steps.page.outputs.text, 'no page'))"}
""",
    "PipelineRun": """\
apiVersion: dspex.dev/v1alpha1
kind: PipelineRun
metadata:
  name: support-1
spec:
  pipelineRef: {name: support}
  inputs:
    message: I was charged twice!
  timeout: 5m
""",
    "PipelineRunData": """\
apiVersion: dspex.dev/v1alpha1
kind: PipelineRunData
metadata:
  name: support-1-triage
spec:
  runRef: {name: support-1}
  step: triage
  outputs: {topic: billing, urgent: true, summary: A double charge.}
""",
}
"""Manifests by kind."""
