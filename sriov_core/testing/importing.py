"""Proof that importing a plugin touches nothing: a fresh interpreter imports it under an audit hook."""

import json
import subprocess  # noqa: TID251  # only a fresh interpreter imports for the first time; no part of a running agent
import sys

_DEADLINE_S = 60.0

_SCRIPT = """
import json, os, sys
sys.path[:] = json.loads(sys.argv[2])
sys.dont_write_bytecode = True
import sriov_core.plugin
roots = tuple(os.path.join(os.path.abspath(entry), "") for entry in sys.path if entry)
code = (".py", ".pyc", ".so", ".zip", ".pth", ".typed")
forbidden = ("subprocess.", "socket.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.remove", "os.rename",
             "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate", "urllib.", "time.sleep")
def watch(event, arguments):
    path = os.fsdecode(arguments[0]) if arguments and isinstance(arguments[0], (str, bytes)) else ""
    if event == "open" and path.endswith(code) and path.startswith(roots):
        return
    if event in ("os.listdir", "os.scandir") and os.path.join(path, "").startswith(roots):
        return
    if event in ("open", "os.listdir", "os.scandir") or event.startswith(forbidden):
        sys.stderr.write(f"{event} {arguments!r}")
        sys.stderr.flush()
        os._exit(3)
sys.addaudithook(watch)
__import__(sys.argv[1])
"""


def complaint(module: str) -> str | None:
    """What the module did while it was imported besides importing, None when it did nothing."""
    argv = [sys.executable, "-B", "-c", _SCRIPT, module, json.dumps([entry for entry in sys.path if entry])]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    return None if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"
