"""Put the project, as its working tree is at this moment, into a guest's initial file system.

A copy, compiled by the guest's Python at this machine's speed, starts faster than a shared folder, and edits do not
disturb a run. It is laid out as an installed distribution, so that entry points and the command are found.
"""

import re
import shutil
import tomllib
from pathlib import Path

import cpio
from build import PROJECT, Image, compile_python

AT = "opt/project"
COMMAND = "#!/usr/bin/python3\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"


def write_initrd(image: Image, to: Path, *, work: Path) -> None:
    """Write the image's initial file system plus the project's packages and commands to `to`; `work` is scratch."""
    packages, commands = work / "packages", work / "commands"
    commands.mkdir(parents=True)
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    for package in pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        source = PROJECT / package
        if source.is_dir():
            shutil.copytree(source, packages / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    _describe(pyproject["project"], packages)
    compile_python(image, packages, f"/{AT}")
    for name, target in pyproject["project"].get("scripts", {}).items():
        module, _, function = target.partition(":")
        (commands / name).write_text(COMMAND.format(module=module, function=function))
        (commands / name).chmod(0o755)
    shutil.copyfile(image.initrd, to)
    with to.open("ab") as file:
        cpio.write_tree(packages, file, at=AT)
        cpio.write_tree(commands, file, at="usr/local/bin")
    shutil.rmtree(work)


def _describe(project: dict[str, object], packages: Path) -> None:
    """Write what importlib.metadata reads of an installed distribution."""
    name = str(project["name"]).replace("-", "_")
    found = re.search(r'__version__\s*=\s*"([^"]+)"', (packages / name / "__init__.py").read_text())
    version = found[1] if found else "0"
    folder = packages / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n")
    groups = project.get("entry-points")
    lines: list[str] = []
    for group, entries in groups.items() if isinstance(groups, dict) else ():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()), ""]
    (folder / "entry_points.txt").write_text("\n".join(lines))
