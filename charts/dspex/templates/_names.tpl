{{/* The name of the chart's objects: the release's, with "dspex" in it. */}}
{{- define "dspex.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains "dspex" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-dspex" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels that find the operator's pods; they never change. */}}
{{- define "dspex.selector" -}}
app.kubernetes.io/name: dspex
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of every object. */}}
{{- define "dspex.labels" -}}
app.kubernetes.io/name: dspex
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: dspex
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* An image: (dict "root" $ "image" {repository, tag, digest} "suffix" "-embedded"). */}}
{{- define "dspex.image" -}}
{{- $registry := .root.Values.image.registry -}}
{{- $repository := ternary .image.repository (printf "%s/%s" $registry .image.repository) (empty $registry) -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.image.tag | default (printf "%s%s" .root.Chart.AppVersion (.suffix | default ""))) -}}
{{- end -}}
{{- end }}

{{/* The ClusterRole that runners are bound to. */}}
{{- define "dspex.runnerRole" -}}
{{ include "dspex.name" . }}-runner
{{- end }}

{{/* The Secret with the webhook's certificate. */}}
{{- define "dspex.webhookSecret" -}}
{{- if eq .Values.webhook.certificate.source "Secret" -}}
{{ required "webhook.certificate.secretName is needed where source is Secret" .Values.webhook.certificate.secretName }}
{{- else -}}
{{ include "dspex.name" . }}-webhook
{{- end -}}
{{- end }}

{{/* Where helm test runs its pipeline. */}}
{{- define "dspex.testNamespace" -}}
{{- .Values.test.namespace | default (first (concat .Values.namespaces (list .Release.Namespace))) -}}
{{- end }}

{{/* What every container of the chart is held to. */}}
{{- define "dspex.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "dspex.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Labels that put a role's rules into Kubernetes' own roles. */}}
{{- define "dspex.aggregate" }}
{{- range . }}
    rbac.authorization.k8s.io/aggregate-to-{{ . }}: "true"
{{- end }}
{{- end }}
