"""What mkdocs does for this site beyond its own: a page from outside docs/, links to the source, drawings, a last look.

Loaded by mkdocs.yml beside it. A warning ends a strict build.
"""

import base64
import html
import logging
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mmdr
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
HANDBOOK = "plugins.md"
"""The one page that lies at the top of the source, where authors of drivers look for it."""

_FENCED = re.compile(r"^(?P<fence>```+)(?P<language>\w*)[^\n`]*\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_LABEL = re.compile(r'"([^"]+)"')
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
_LOADS = re.compile(
    r"<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"' >]+"
    r"|<link\b(?![^>]*rel=[\"']?(?:canonical|next|prev)\b)[^>]*\bhref=[\"']?(?:https?:)?//[^\"' >]+"
    r"|@import\s+(?:url\()?[\"']?(?:https?:)?//[^\"') ]+|url\([\"']?(?:https?:)?//[^\"')]+"
)
_log = logging.getLogger("mkdocs.plugins.sriov_core")


def on_config(config: Any) -> Any:
    """Every page has its place: those that mkdocs.yml does not name follow at the end."""
    named = set(_pages(config.nav))
    rest = sorted(
        path
        for path in (str(found.relative_to(config.docs_dir)) for found in Path(config.docs_dir).rglob("*.md"))
        if path not in named and not path.startswith(("building/", "demo/"))
    )
    decisions = [path for path in rest if path.startswith("adr/")]
    more = [path for path in rest if not path.startswith("adr/")]
    config.nav += [{title: pages} for title, pages in (("Decisions", decisions), ("More", more)) if pages]
    return config


def _pages(entries: Any) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from _pages(inner)


def on_files(files: Any, config: Any) -> Any:
    """The handbook is part of the site, from where it lies."""
    files.append(File.generated(config, HANDBOOK, abs_src_path=str(ROOT / HANDBOOK)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links between pages as the site has them, and the words after a fence's language left out."""
    source = page.file.src_uri
    folder = "" if source == HANDBOOK else posixpath.join("docs", posixpath.dirname(source))
    done, end = [], 0
    for fence in _FENCED.finditer(markdown):
        done.append(_relinked(markdown[end : fence.start()], folder, source))
        _, _, rest = fence[0].partition("\n")
        is_drawing = fence["language"] == "mermaid"
        done.append(_drawn(fence["text"]) if is_drawing else f"{fence['fence']}{fence['language']}\n{rest}")
        end = fence.end()
    done.append(_relinked(markdown[end:], folder, source))
    return "".join(done)


def _drawn(text: str) -> str:
    """A diagram as a picture in the page, which needs neither a script nor a network to be seen."""
    svg = base64.b64encode(mmdr.render(text).svg().encode()).decode()
    words = "; ".join(label.replace("<br/>", " ") for label in _LABEL.findall(text))
    paper = "background: white; padding: 0.5em"  # its ink is dark, whatever the scheme of the site
    return f'<img alt="flow chart: {html.escape(words)}" style="{paper}" src="data:image/svg+xml;base64,{svg}">\n'


def _relinked(text: str, folder: str, source: str) -> str:
    def link(found: re.Match[str]) -> str:
        target, anchor = found["target"], found["anchor"] or ""
        if not target or ":" in target:
            return found[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        if path == HANDBOOK or (path.startswith("docs/") and path.endswith(".md")):
            page = path.removeprefix("docs/")
            return f"[{found['text']}]({posixpath.relpath(page, posixpath.dirname(source) or '.')}{anchor})"
        if (ROOT / path).exists():
            named = found["text"].strip("`") == path
            return f"`{path}`" if named else f"{found['text']} (`{path}` of the source)"
        return found[0]  # mkdocs complains

    return _LINK.sub(link, text)


def on_post_build(config: Any) -> None:
    """No page may load anything from elsewhere: the site works without a network, and tells nobody who reads it."""
    for path in sorted(Path(config.site_dir).rglob("*")):
        if path.suffix in (".html", ".css"):
            for found in _LOADS.finditer(path.read_text(errors="replace")):
                _log.warning("%s loads from elsewhere: %s", path.relative_to(config.site_dir), found[0][-120:])
