{{/*
The operator's environment variables as YAML, NAME: "VALUE", without the empty ones. operator.extraEnv goes first, and
roles follow what comes out.
*/}}
{{- define "sriov-network-operator.environment" -}}
{{- $values := .Values.operator -}}
{{- $exporter := $values.metricsExporter -}}
{{- $prometheus := $exporter.prometheusOperator -}}
{{- $controllers := $values.admissionControllers -}}
{{- $certificates := $controllers.certificates -}}
{{- if $exporter.seLinuxType -}}
{{- fail (printf "operator.metricsExporter.seLinuxType: %s cannot be had: the exporter runs with the SELinux type of the container runtime. Leave it empty" $exporter.seLinuxType) -}}
{{- end -}}
{{- $env := dict
  "RESOURCE_PREFIX" $values.resourcePrefix
  "CLUSTER_TYPE" $values.clusterType
  "SRIOV_CNI_BIN_PATH" $values.cniBinPath
  "STALE_NODE_STATE_CLEANUP_DELAY_MINUTES" $values.staleNodeStateCleanupDelayMinutes
  "DRAIN_DEADLINE_SECONDS" $values.drainDeadlineSeconds
  "POD_EVICTION_POLICY" $values.podEvictionPolicy
  "DISABLED_CONTROLLERS" (join "," $values.disabledControllers)
  "USE_EXTERNAL_DRAINER" $values.externalDrainer.enabled
  "RELEASE_VERSION" .Chart.AppVersion
  "IMAGE_PULL_SECRETS" (include "sriov-network-operator.pullSecrets" .)
  "SRIOV_NETWORK_CONFIG_DAEMON_IMAGE" .Values.images.sriovConfigDaemon
  "SRIOV_DEVICE_PLUGIN_IMAGE" .Values.images.sriovDevicePlugin
  "SRIOV_CNI_IMAGE" .Values.images.sriovCni
  "SRIOV_INFINIBAND_CNI_IMAGE" .Values.images.ibSriovCni
  "OVS_CNI_IMAGE" .Values.images.ovsCni
  "RDMA_CNI_IMAGE" .Values.images.rdmaCni
  "SRIOV_NETWORK_WEBHOOK_IMAGE" (default .Values.images.operator .Values.images.webhook)
  "NETWORK_RESOURCES_INJECTOR_IMAGE" (default .Values.images.operator .Values.images.resourcesInjector)
  "METRICS_EXPORTER_IMAGE" .Values.images.metricsExporter
  "METRICS_EXPORTER_KUBE_RBAC_PROXY_IMAGE" .Values.images.metricsExporterKubeRbacProxy
  "METRICS_EXPORTER_PORT" $exporter.port
  "METRICS_EXPORTER_SECRET_NAME" $exporter.certificates.secretName
  "METRICS_EXPORTER_PROMETHEUS_OPERATOR_ENABLED" $prometheus.enabled
  "METRICS_EXPORTER_PROMETHEUS_DEPLOY_RULES" $prometheus.deployRules
  "METRICS_EXPORTER_PROMETHEUS_OPERATOR_SERVICE_ACCOUNT" $prometheus.serviceAccount
  "METRICS_EXPORTER_PROMETHEUS_OPERATOR_NAMESPACE" $prometheus.namespace
  "CONFIG_DAEMON_METRICS_BIND_ADDRESS" $values.configDaemonMetricsBindAddress
  "OPERATOR_WEBHOOK_METRICS_BIND_ADDRESS" $controllers.metricsBindAddress
  "INJECTOR_WEBHOOK_METRICS_BIND_ADDRESS" $controllers.metricsBindAddress
  "ADMISSION_CONTROLLERS_CERTIFICATES_CERT_MANAGER_ENABLED" $certificates.certManager.enabled
  "ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_SECRET_NAME" $certificates.secretNames.operator
  "ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_SECRET_NAME" $certificates.secretNames.injector
  "OPERATOR_WEBHOOK_NETWORK_POLICY_PORT" $controllers.networkPolicy.operator.port
  "INJECTOR_WEBHOOK_NETWORK_POLICY_PORT" $controllers.networkPolicy.injector.port
  "TLS_CIPHER_SUITES" $values.tls.cipherSuites
  "TLS_MIN_VERSION" $values.tls.minVersion
  "TLS_CURVE_PREFERENCES" $values.tls.curvePreferences
-}}
{{- if $certificates.custom.enabled -}}
{{- $_ := set $env "ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_CA_CRT" (b64enc $certificates.custom.operator.caCrt) -}}
{{- $_ := set $env "ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_CA_CRT" (b64enc $certificates.custom.injector.caCrt) -}}
{{- end -}}
{{- range $name, $value := $values.extraEnv -}}
{{- if has $name (list "NAMESPACE" "POD_NAME") -}}
{{- fail (printf "operator.extraEnv.%s: the operator has this from its pod. Leave it out" $name) -}}
{{- end -}}
{{- $_ := set $env $name $value -}}
{{- end -}}
{{- range $name, $value := $env }}
{{- if ne (toString $value) "" }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end -}}
