{{/* The name of the operator's own objects: that of the release, when it says what it is. */}}
{{- define "sriov-network-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.operator.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.operator.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels of the objects that the chart alone looks after. */}}
{{- define "sriov-network-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ default .Chart.Name .Values.operator.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Names of pull secrets, separated by commas: each is given as a name, or as {name: NAME}. */}}
{{- define "sriov-network-operator.pullSecrets" -}}
{{- $names := list -}}
{{- range .Values.imagePullSecrets -}}
{{- if kindIs "map" . -}}
{{- $names = append $names .name -}}
{{- else -}}
{{- $names = append $names . -}}
{{- end -}}
{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{/*
operator.affinity without preferences for nodes that are labelled master, about which API servers warn: Kubernetes has not
set the label since 1.24, and values of the SR-IOV network operator's chart prefer nodes labelled control-plane beside it.
*/}}
{{- define "sriov-network-operator.affinity" -}}
{{- $affinity := deepCopy (.Values.operator.affinity | default dict) -}}
{{- $nodes := get $affinity "nodeAffinity" -}}
{{- if kindIs "map" $nodes -}}
{{- $kept := list -}}
{{- range get $nodes "preferredDuringSchedulingIgnoredDuringExecution" | default list -}}
{{- if not (contains "node-role.kubernetes.io/master" (toJson .)) -}}
{{- $kept = append $kept . -}}
{{- end -}}
{{- end -}}
{{- if $kept -}}
{{- $_ := set $nodes "preferredDuringSchedulingIgnoredDuringExecution" $kept -}}
{{- else -}}
{{- $_ := unset $nodes "preferredDuringSchedulingIgnoredDuringExecution" -}}
{{- end -}}
{{- end -}}
{{- toYaml $affinity -}}
{{- end -}}

{{/* How the pods of the chart are placed and restricted; the indentation is that of a pod's spec. */}}
{{- define "sriov-network-operator.pod" -}}
serviceAccountName: {{ include "sriov-network-operator.fullname" . }}
priorityClassName: system-cluster-critical
nodeSelector:
  {{- merge (dict "kubernetes.io/os" "linux") .Values.operator.nodeSelector | toYaml | nindent 2 }}
{{- with include "sriov-network-operator.affinity" . | fromYaml }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.operator.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "sriov-network-operator.pullSecrets" . }}
imagePullSecrets:
  {{- range splitList "," . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "sriov-network-operator.container" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* "yes" where the API server has ValidatingAdmissionPolicies. Without a server, its version has to do. */}}
{{- define "sriov-network-operator.hasAdmissionPolicies" -}}
{{- if .Capabilities.APIVersions.Has "v1/Pod" -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" }}yes{{ end -}}
{{- else if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version -}}
yes
{{- end -}}
{{- end -}}
