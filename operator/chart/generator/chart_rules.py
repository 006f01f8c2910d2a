"""Roles, admission policies and NIC ids as templates, from the data that the operator itself uses. No I/O."""

from collections.abc import Callable, Iterable

from sriov_core.api.yamltext import yaml_documents
from sriov_core.policy import nicids
from sriov_operator.deployment import admissionpolicies, roles
from sriov_operator.deployment.roles import Rule
from sriov_operator.process.settings import CertificateSettings, Settings

_CHART = "sriov-network-operator"
_NAMESPACE = "the-namespace-of-the-release"
_SECRETS = {f"the-secret-of-the-{who.lower()}": who for who in ("OPERATOR", "INJECTOR")}
_DELETES = 'eq $env.POD_EVICTION_POLICY "delete"'
_OPENSHIFT = 'eq $env.CLUSTER_TYPE "openshift"'

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
    """The rules of every setting in the order of the longest list; those of some settings only under a condition."""
    always = set(make(_settings("evict", "kubernetes")))
    deletes, openshift = set(make(_settings("delete", "kubernetes"))), set(make(_settings("evict", "openshift")))
    text = f'{{{{- $env := include "{_CHART}.environment" . | fromYaml -}}}}\n'
    for rule in make(_settings("delete", "openshift")):
        if rule in always:
            text += _plain([rule])
        elif rule in deletes:
            text += _only_if(_DELETES, [rule])
        elif rule in openshift:
            text += _only_if(_OPENSHIFT, [rule])
        else:
            raise ValueError(f"{rule} depends on more than one setting: the chart has no condition for that")
    return text


def _settings(eviction: str, cluster_type: str) -> Settings:
    operator, injector = _SECRETS
    certificates = CertificateSettings(operator_secret=operator, injector_secret=injector)
    return Settings(
        namespace=_NAMESPACE,
        resource_prefix="any",
        eviction=eviction,
        cluster_type=cluster_type,
        certificates=certificates,
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
