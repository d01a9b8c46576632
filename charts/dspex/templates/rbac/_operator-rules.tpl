{{/*
What the operator may do: in all namespaces, or in each of `namespaces`. It writes no kind of its own
but runs, reads Secrets by name alone, and hands out nothing but the runner's ClusterRole.
*/}}
{{- define "dspex.operatorRules" -}}
# Every kind of ours is watched.
- apiGroups: [dspex.dev]
  resources: [signatures, pools, pipelines, pipelineruns]
  verbs: [get, list, watch]
# The one thing of theirs that it writes is status. Never spec: only a person does.
- apiGroups: [dspex.dev]
  resources: [signatures/status, pools/status, pipelines/status, pipelineruns/status]
  verbs: [patch]
# Triggers create runs; history limits and ttlAfterFinished delete them; a run that has ended gets a label.
- apiGroups: [dspex.dev]
  resources: [pipelineruns]
  verbs: [create, patch, delete]
# A Job and a Deployment name their owner with blockOwnerDeletion, which asks for this right.
- apiGroups: [dspex.dev]
  resources: [pools/finalizers, pipelines/finalizers, pipelineruns/finalizers]
  verbs: [update]
# A Pool's workers.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# A run's Job; suspended by Cancel and suspend, deleted with its pods when a run is to end at once.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# Why a pod is not ready: unschedulable, no image, crashed, out of memory. Read only.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# A Pool's headless Service and configuration, a run's plan, the public keys of a namespace, and the
# ConfigMaps that templates and inputs are read from.
- apiGroups: [""]
  resources: [services, configmaps]
  verbs: [get, list, watch, create, patch, delete]
# A Pool's pods and the runners each have a ServiceAccount; a Pool's has no rights at all.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# Whether the Secret that a Pool or a run names is there, and which keys it has. Not listed, not watched.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
# Who may call a Pool's workers, and how many of them may go at a time.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# Binds a namespace's runners to the runner's ClusterRole. `bind` holds for that one alone, so that the
# operator can give nobody any other right.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [{{ include "dspex.runnerRole" . }}]
  verbs: [bind]
# What a person sees in `kubectl describe`.
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- with .Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end }}
