{{/* A policy's binding: it refuses, everywhere. */}}
{{- define "dspex.policyBinding" -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "dspex.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}

{{/*
Who asks. A runner's token is bound to its pod, and the API server tells the pod's name and uid from it:
nothing that the runner itself says is believed.
*/}}
{{- define "dspex.runnersOnly" -}}
matchConditions:
- name: is-a-runner
  expression: request.userInfo.username.matches('^system:serviceaccount:[^:]+:dspex-runner$')
{{- end }}

{{- define "dspex.podVariables" -}}
- name: podName
  expression: >-
    request.userInfo.?extra['authentication.kubernetes.io/pod-name'].orValue([''])[0]
- name: podUID
  expression: >-
    request.userInfo.?extra['authentication.kubernetes.io/pod-uid'].orValue([''])[0]
# The Job of a run is <its name, cut to 36>-<the last 12 of its uid>; the pod adds five more characters.
- name: job
  expression: >-
    variables.podName.matches('^[a-z0-9][-a-z0-9]*-[0-9a-f]{12}-[a-z0-9]{5}$')
    ? variables.podName.substring(0, size(variables.podName) - 6) : ''
- name: runPart
  expression: "size(variables.job) > 13 ? variables.job.substring(0, size(variables.job) - 13) : ''"
- name: uidPart
  expression: "size(variables.job) > 13 ? variables.job.substring(size(variables.job) - 12) : ''"
{{- end }}
