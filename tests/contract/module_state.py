"""Finds state that a module keeps: what it binds at its top level and somebody could change later.

The rule: a name bound at module level to something mutable is spelled in upper case, which says that it is a constant,
and nothing in the module changes it. No function declares a name ``global``.
"""

import ast
from collections.abc import Iterator

_MUTABLE_CALLS = {
    *("dict", "list", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "ChainMap", "count"),
    *("Lock", "RLock", "Event", "Condition", "Semaphore", "local", "Queue", "SimpleQueue", "Random", "WeakSet"),
    *("WeakKeyDictionary", "WeakValueDictionary", "SimpleNamespace", "StringIO", "BytesIO"),
}
_DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
_CHANGING = {
    *("append", "extend", "insert", "remove", "pop", "popitem", "clear", "sort", "reverse", "add", "discard"),
    *("update", "setdefault", "appendleft", "extendleft", "popleft", "difference_update", "intersection_update"),
}


def hidden_state(tree: ast.Module) -> list[str]:
    """A sentence for each breach of the rule, with its line."""
    return list(_complaints(tree))


def _complaints(tree: ast.Module) -> Iterator[str]:
    bound = dict(_bound_to_something_mutable(tree))
    for name, line in bound.items():
        if name.strip("_") != name.strip("_").upper() and name != "__all__":
            yield f"line {line}: {name} is mutable; make it a frozen value, an argument, or an upper-case constant"
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: {', '.join(node.names)} declared global"
        elif (name := _changed(node)) in bound:
            yield f"line {node.lineno}: the constant {name} is changed"


def _bound_to_something_mutable(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        if targets and value is not None and _is_mutable(value):
            yield from ((target.id, node.lineno) for target in targets if isinstance(target, ast.Name))


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return called in _MUTABLE_CALLS
    return isinstance(value, _DISPLAYS)


def _changed(node: ast.AST) -> str | None:
    """The name that a node changes in place, if it changes one."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return _name(node.value)
    if isinstance(node, ast.AugAssign):
        return _name(node.target)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
        return _name(node.func.value)
    return None


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None
