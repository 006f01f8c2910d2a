"""Roles, admission policies and NIC ids as templates, from the data that the operator itself uses. No I/O."""

from collections.abc import Callable, Iterable

import attrs

from sriov_core.api.yamltext import yaml_documents
from sriov_core.policy import nicids
from sriov_operator.deployment import admissionpolicies, roles
from sriov_operator.deployment.roles import Rule
from sriov_operator.process.settings import CertificateSettings, MetricsExporter, Settings

_CHART = "sriov-network-operator"
_NAMESPACE = "the-namespace-of-the-release"
_SECRETS = {f"the-secret-of-the-{who.lower()}": who for who in ("OPERATOR", "INJECTOR")}
_OPENSHIFT = 'eq (get $env "CLUSTER_TYPE") "openshift"'
_IS_ON = 'eq (get $env "{}" | lower) "true"'
_CERTIFICATES = "ADMISSION_CONTROLLERS_CERTIFICATES"
_OTHERS = f"({_OPENSHIFT}) ({_IS_ON.format(f'{_CERTIFICATES}_CERT_MANAGER_ENABLED')})"
_OWN = f'not (or {_OTHERS} (get $env "{_CERTIFICATES}_{{}}_CA_CRT"))'

Make = Callable[[Settings], Iterable[Rule]]


def rules_template() -> str:
    """A named template for the rules of each role, and one for the NIC ids."""
    granted = {
        "operator": _of_settings(roles.operator),
        "operator-cluster": _of_settings(roles.operator_cluster),
        "agent": _plain(roles.AGENT) + _only_if(".Values.operator.nodeConfigMaps", roles.AGENT_OF_CONFIG_MAPS),
        "agent-cluster": _plain(roles.AGENT_CLUSTER),
    }
    parts = [_defined(f"rules.{name}", text) for name, text in granted.items()]
    return "\n".join([*parts, _defined("nic-ids", _nic_ids())])


def policies_template() -> str:
    """The admission policies, where the API server has the kind."""
    text = _as_template(yaml_documents(admissionpolicies.manifests(_NAMESPACE)))
    return f'{{{{- if include "{_CHART}.hasAdmissionPolicies" . }}}}\n{text}{{{{- end }}}}\n'


def _defined(name: str, text: str) -> str:
    return f'{{{{- define "{_CHART}.{name}" -}}}}\n{text}{{{{- end -}}}}\n'


def _of_settings(make: Make) -> str:
    """The rules of the least setting, and under a condition those that one that asks for more adds."""
    least = _settings()
    always = list(make(least))
    text = f'{{{{- $env := include "{_CHART}.environment" . | fromYaml -}}}}\n' + _plain(always)
    for condition, more in _more(least):
        found = list(make(more))
        if lost := [rule for rule in always if rule not in found]:
            raise ValueError(f"{condition} takes {lost} away: the chart has no condition for that")
        if added := [rule for rule in found if rule not in always]:
            text += _only_if(condition, added)
    return text


def _settings() -> Settings:
    """Those that take the fewest permissions: certificates are somebody else's."""
    operator, injector = _SECRETS
    certificates = CertificateSettings(
        operator_secret=operator, operator_ca="any", injector_secret=injector, injector_ca="any"
    )
    return Settings(namespace=_NAMESPACE, resource_prefix="any", certificates=certificates)


def _more(least: Settings) -> tuple[tuple[str, Settings], ...]:
    """What the operator's variables say, as a template asks for it, and the settings that come of it."""
    given = least.certificates
    own = {"OPERATOR": {"operator_ca": ""}, "INJECTOR": {"injector_ca": ""}}
    return (
        ('eq (get $env "POD_EVICTION_POLICY") "delete"', attrs.evolve(least, eviction="delete")),
        (_OPENSHIFT, attrs.evolve(least, cluster_type="openshift")),
        (
            _IS_ON.format("METRICS_EXPORTER_PROMETHEUS_OPERATOR_ENABLED"),
            attrs.evolve(least, metrics_exporter=MetricsExporter(prometheus=True)),
        ),
        *(
            (_OWN.format(who), attrs.evolve(least, certificates=attrs.evolve(given, **no_bundle)))
            for who, no_bundle in own.items()
        ),
    )


def _only_if(condition: str, rules: Iterable[Rule]) -> str:
    return f"{{{{- if {condition} }}}}\n{_plain(rules)}{{{{- end }}}}\n"


def _plain(rules: Iterable[Rule]) -> str:
    text = yaml_documents([roles.as_objects(rules)]).removeprefix("---\n")
    return _as_template(text)


def _as_template(text: str) -> str:
    """What is known only at the time of an installation becomes an expression of the template."""
    if "{{" in text or "}}" in text:
        raise ValueError("the text has brackets of templates in it")
    text = text.replace(_NAMESPACE, "{{ .Release.Namespace }}")
    for name, who in _SECRETS.items():
        text = text.replace(name, f"{{{{ $env.ADMISSION_CONTROLLERS_CERTIFICATES_{who}_SECRET_NAME }}}}")
    return text


def _nic_ids() -> str:
    """Keys of the ConfigMap say nothing."""
    return "".join(f'"{one.vendor}_{one.pf}_{one.vf}": "{one}"\n' for one in nicids.DEFAULT.models)
