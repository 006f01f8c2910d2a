"""The version of the plugin contract and the rule of compatibility."""

API = (1, 0)
"""Major and minor of the contract. A minor only adds; a removal is a major, announced two minors ahead."""


def refusal(name: str, api: tuple[int, int]) -> str | None:
    """Why a plugin written against ``api`` cannot be served, None when it can."""
    ours = ".".join(map(str, API))
    theirs = ".".join(map(str, api))
    if api[0] != API[0]:
        return (
            f"plugin {name} was written for API {theirs}, this sriov-core offers {ours}: "
            f"install a version of the plugin for API {API[0]}.x"
        )
    if api[1] > API[1]:
        return f"plugin {name} needs API {theirs}, this sriov-core offers {ours}: upgrade sriov-core"
    return None
