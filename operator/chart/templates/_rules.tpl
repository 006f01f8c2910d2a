{{/* Made by operator/chart/generator/generate.py from the operator's roles.py and nicids.py; changes are lost. */}}
{{- define "sriov-network-operator.rules.operator" -}}
{{- $env := include "sriov-network-operator.environment" . | fromYaml -}}
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworknodepolicies
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworknodestates
  verbs:
  - get
  - list
  - watch
  - create
  - patch
  - delete
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworkpoolconfigs
  verbs:
  - list
  - watch
  - patch
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovoperatorconfigs
  verbs:
  - get
  - list
  - watch
  - patch
  - delete
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworknodepolicies/status
  - sriovnetworknodestates/status
  - sriovnetworkpoolconfigs/status
  - sriovoperatorconfigs/status
  verbs:
  - patch
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovoperatorconfigs/finalizers
  verbs:
  - update
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - get
  - list
  - watch
  - create
  - update
  - patch
  - delete
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - operator-webhook-service
  - network-resources-injector-service
  - sriov-network-metrics-exporter-service
- apiGroups:
  - ""
  resources:
  - serviceaccounts
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resources:
  - serviceaccounts
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - sriov-device-plugin
  - operator-webhook-sa
  - network-resources-injector-sa
  - metrics-exporter-sa
- apiGroups:
  - apps
  resources:
  - daemonsets
  verbs:
  - list
  - watch
- apiGroups:
  - apps
  resources:
  - daemonsets
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - sriov-network-config-daemon
  - sriov-device-plugin
  - operator-webhook
  - network-resources-injector
  - sriov-network-metrics-exporter
- apiGroups:
  - networking.k8s.io
  resources:
  - networkpolicies
  verbs:
  - list
  - watch
- apiGroups:
  - networking.k8s.io
  resources:
  - networkpolicies
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - operator-webhook-allow-traffic-api-server
  - network-resources-injector-allow-traffic-api-server
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - roles
  verbs:
  - list
  - watch
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - roles
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - sriov-plugin
  - sriov-device-plugin-pod-access
  - operator-webhook
  - network-resources-injector
  - metrics-exporter-role
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - rolebindings
  verbs:
  - list
  - watch
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - rolebindings
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - sriov-plugin
  - sriov-device-plugin-pod-access
  - operator-webhook-role-binding
  - network-resources-injector-role-binding
  - metrics-exporter-rb
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - roles
  - rolebindings
  verbs:
  - get
  - delete
  resourceNames:
  - prometheus-k8s
- apiGroups:
  - monitoring.coreos.com
  resources:
  - servicemonitors
  verbs:
  - list
  - watch
- apiGroups:
  - monitoring.coreos.com
  resources:
  - servicemonitors
  verbs:
  - get
  - delete
  resourceNames:
  - sriov-network-metrics-exporter
- apiGroups:
  - monitoring.coreos.com
  resources:
  - prometheusrules
  verbs:
  - list
  - watch
- apiGroups:
  - monitoring.coreos.com
  resources:
  - prometheusrules
  verbs:
  - get
  - delete
  resourceNames:
  - sriov-vf-rules
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - create
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - get
  - update
  resourceNames:
  - sriov-network-operator
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - list
  - watch
  - patch
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworknodepolicies
  - sriovnetworknodestates
  - sriovnetworkpoolconfigs
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
  - watch
  resourceNames:
  - supported-nic-ids
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
  - watch
  resourceNames:
  - nri-control-switches
- apiGroups:
  - security.openshift.io
  resources:
  - securitycontextconstraints
  verbs:
  - use
  resourceNames:
  - privileged
{{- if eq (get $env "METRICS_EXPORTER_PROMETHEUS_OPERATOR_ENABLED" | lower) "true" }}
- apiGroups:
  - monitoring.coreos.com
  resources:
  - servicemonitors
  verbs:
  - create
  - update
  - patch
  resourceNames:
  - sriov-network-metrics-exporter
- apiGroups:
  - monitoring.coreos.com
  resources:
  - prometheusrules
  verbs:
  - create
  - update
  - patch
  resourceNames:
  - sriov-vf-rules
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - roles
  - rolebindings
  verbs:
  - create
  - update
  - patch
  resourceNames:
  - prometheus-k8s
- apiGroups:
  - ""
  resources:
  - services
  - endpoints
  - pods
  verbs:
  - get
  - list
  - watch
{{- end }}
{{- if not (or (eq (get $env "CLUSTER_TYPE") "openshift") (eq (get $env "ADMISSION_CONTROLLERS_CERTIFICATES_CERT_MANAGER_ENABLED" | lower) "true") (get $env "ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_CA_CRT")) }}
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - get
  - list
  - watch
  - create
  - patch
  resourceNames:
  - {{ $env.ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_SECRET_NAME }}
{{- end }}
{{- if not (or (eq (get $env "CLUSTER_TYPE") "openshift") (eq (get $env "ADMISSION_CONTROLLERS_CERTIFICATES_CERT_MANAGER_ENABLED" | lower) "true") (get $env "ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_CA_CRT")) }}
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - get
  - list
  - watch
  - create
  - patch
  resourceNames:
  - {{ $env.ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_SECRET_NAME }}
{{- end }}
{{- end -}}

{{- define "sriov-network-operator.rules.operator-cluster" -}}
{{- $env := include "sriov-network-operator.environment" . | fromYaml -}}
- apiGroups:
  - ""
  resources:
  - nodes
  verbs:
  - get
  - list
  - watch
  - patch
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - list
- apiGroups:
  - ""
  resources:
  - pods/eviction
  verbs:
  - create
- apiGroups:
  - ""
  resources:
  - namespaces
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - events.k8s.io
  resources:
  - events
  verbs:
  - create
  - patch
- apiGroups:
  - k8s.cni.cncf.io
  resources:
  - network-attachment-definitions
  verbs:
  - get
  - list
  - watch
  - create
  - update
  - delete
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworks
  - sriovibnetworks
  - ovsnetworks
  verbs:
  - get
  - list
  - watch
  - patch
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworks/status
  - sriovibnetworks/status
  - ovsnetworks/status
  verbs:
  - patch
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
- apiGroups:
  - authorization.k8s.io
  resources:
  - subjectaccessreviews
  verbs:
  - create
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - clusterroles
  verbs:
  - list
  - watch
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - clusterroles
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - operator-webhook
  - network-resources-injector
  - sriov-metrics-kube-rbac-role
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - clusterrolebindings
  verbs:
  - list
  - watch
- apiGroups:
  - rbac.authorization.k8s.io
  resources:
  - clusterrolebindings
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - operator-webhook-role-binding
  - network-resources-injector-role-binding
  - sriov-metrics-kube-rbac-rolebinding
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - mutatingwebhookconfigurations
  verbs:
  - list
  - watch
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - mutatingwebhookconfigurations
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - sriov-operator-webhook-config
  - network-resources-injector-config
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - validatingwebhookconfigurations
  verbs:
  - list
  - watch
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - validatingwebhookconfigurations
  verbs:
  - get
  - create
  - update
  - patch
  - delete
  resourceNames:
  - sriov-operator-webhook-config
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - validatingadmissionpolicies
  verbs:
  - list
  - watch
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - validatingadmissionpolicies
  verbs:
  - get
  - create
  - update
  - patch
  resourceNames:
  - sriov-network-config-daemon-nodes
  - sriov-network-config-daemon-states
  - sriov-network-config-daemon-pods
  - sriov-network-config-daemon-events
  - sriov-device-plugin-own-pod
  - sriov-network-operator-unread
  - sriov-network-operator-unknown-fields
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - validatingadmissionpolicybindings
  verbs:
  - list
  - watch
- apiGroups:
  - admissionregistration.k8s.io
  resources:
  - validatingadmissionpolicybindings
  verbs:
  - get
  - create
  - update
  - patch
  resourceNames:
  - sriov-network-config-daemon-nodes
  - sriov-network-config-daemon-states
  - sriov-network-config-daemon-pods
  - sriov-network-config-daemon-events
  - sriov-device-plugin-own-pod
  - sriov-network-operator-unread
  - sriov-network-operator-unknown-fields
- apiGroups:
  - machineconfiguration.openshift.io
  resources:
  - machineconfigs
  verbs:
  - get
  resourceNames:
  - sriov-config-service
{{- if eq (get $env "POD_EVICTION_POLICY") "delete" }}
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - delete
{{- end }}
{{- if eq (get $env "CLUSTER_TYPE") "openshift" }}
- apiGroups:
  - config.openshift.io
  resources:
  - infrastructures
  verbs:
  - get
- apiGroups:
  - config.openshift.io
  resources:
  - apiservers
  verbs:
  - list
  - watch
- apiGroups:
  - machineconfiguration.openshift.io
  resources:
  - machineconfigs
  verbs:
  - get
  - list
  - create
  - update
  - patch
  - delete
- apiGroups:
  - machineconfiguration.openshift.io
  resources:
  - machineconfigpools
  verbs:
  - get
  - list
  - patch
{{- end }}
{{- end -}}

{{- define "sriov-network-operator.rules.agent" -}}
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworknodestates
  verbs:
  - list
  - watch
  - patch
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovnetworknodestates/status
  verbs:
  - patch
- apiGroups:
  - sriovnetwork.openshift.io
  resources:
  - sriovoperatorconfigs
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - list
  - watch
  - patch
  - delete
- apiGroups:
  - events.k8s.io
  resources:
  - events
  verbs:
  - create
  - patch
- apiGroups:
  - security.openshift.io
  resources:
  - securitycontextconstraints
  verbs:
  - use
  resourceNames:
  - privileged
{{- if .Values.operator.nodeConfigMaps }}
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
  - watch
{{- end }}
{{- end -}}

{{- define "sriov-network-operator.rules.agent-cluster" -}}
- apiGroups:
  - ""
  resources:
  - nodes
  verbs:
  - get
  - patch
{{- end -}}

{{- define "sriov-network-operator.nic-ids" -}}
"1077_1654_1664": "1077 1654 1664"
"14e4_16d7_16dc": "14e4 16d7 16dc"
"14e4_1750_1806": "14e4 1750 1806"
"15b3_1013_1014": "15b3 1013 1014"
"15b3_1015_1016": "15b3 1015 1016"
"15b3_1017_1018": "15b3 1017 1018"
"15b3_1019_101a": "15b3 1019 101a"
"15b3_101b_101c": "15b3 101b 101c"
"15b3_101d_101e": "15b3 101d 101e"
"15b3_101f_101e": "15b3 101f 101e"
"15b3_1021_101e": "15b3 1021 101e"
"15b3_1023_101e": "15b3 1023 101e"
"15b3_1025_101e": "15b3 1025 101e"
"15b3_a2d6_101e": "15b3 a2d6 101e"
"15b3_a2dc_101e": "15b3 a2dc 101e"
"177d_b100_b103": "177d b100 b103"
"177d_b200_b203": "177d b200 b203"
"177d_b600_b603": "177d b600 b603"
"177d_b900_b903": "177d b900 b903"
"177d_ba00_ba03": "177d ba00 ba03"
"1af4_1000_1000": "1af4 1000 1000"
"1af4_1041_1041": "1af4 1041 1041"
"1d0f_ec20_ec20": "1d0f ec20 ec20"
"8086_0d58_154c": "8086 0d58 154c"
"8086_10c9_10ca": "8086 10c9 10ca"
"8086_1249_1889": "8086 1249 1889"
"8086_124a_1889": "8086 124a 1889"
"8086_124c_1889": "8086 124c 1889"
"8086_124d_1889": "8086 124d 1889"
"8086_12d2_1889": "8086 12d2 1889"
"8086_12d3_1889": "8086 12d3 1889"
"8086_1563_1565": "8086 1563 1565"
"8086_1572_154c": "8086 1572 154c"
"8086_1581_154c": "8086 1581 154c"
"8086_1583_154c": "8086 1583 154c"
"8086_1589_154c": "8086 1589 154c"
"8086_158a_154c": "8086 158a 154c"
"8086_158b_154c": "8086 158b 154c"
"8086_1591_1889": "8086 1591 1889"
"8086_1592_1889": "8086 1592 1889"
"8086_1593_1889": "8086 1593 1889"
"8086_1599_1889": "8086 1599 1889"
"8086_159b_1889": "8086 159b 1889"
"8086_15ff_154c": "8086 15ff 154c"
"8086_188a_1889": "8086 188a 1889"
"8086_579c_1889": "8086 579c 1889"
"8086_579d_1889": "8086 579d 1889"
"8086_579e_1889": "8086 579e 1889"
{{- end -}}
