"""Where the checkout came from, so that pages can link to it: to edit, to report, to launch."""

import re
import subprocess
from typing import Any

from companion.paths import project_root

_ADDRESS = re.compile(r"(?:https://|git@|ssh://git@)([\w.-]+\.\w+)[:/]([\w./-]+?)(?:\.git)?/?")


def repository_address() -> str:
    """Return the web address of the checkout's origin, or nothing if it has none.

    >>> web_address("git@code.example.org:someone/slugkit.git")
    'https://code.example.org/someone/slugkit'
    """
    command = ["git", "config", "--get", "remote.origin.url"]
    try:
        done = subprocess.run(
            command, cwd=project_root(), capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return ""
    return web_address(done.stdout.strip())


def web_address(origin: str) -> str:
    """Return the web address that belongs to a remote of git; nothing for a folder."""
    found = _ADDRESS.fullmatch(origin)
    return f"https://{found[1]}/{found[2]}" if found else ""


def use_address(app: Any, config: Any) -> None:
    """Give Sphinx the address; without one, no page has buttons that lead nowhere."""
    address = repository_address()
    # The page for wrong addresses cannot link relative to where it is shown.
    home = f"/{address.rsplit('/', 1)[-1]}/" if address else "/"
    config.notfound_urls_prefix = "/" if home.endswith(".io/") else home
    config.notfound_context = {
        "title": "Page not found",
        "body": "<h1>Page not found</h1><p>There is no page at this address. "
        f'<a href="{config.notfound_urls_prefix}index.html">The first page</a> lists them all, '
        "and the search beside finds what moved.</p>",
    }
    if address:
        config.html_theme_options |= {
            "repository_url": address,
            "repository_branch": "main",
            # Notebooks are at the same place in the repository and in the book.
            "path_to_docs": "",
            "use_repository_button": True,
            "use_edit_page_button": True,
            "use_issues_button": True,
        }
    else:
        config.html_theme_options.pop("launch_buttons", None)


def correct_place(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell the button for editing that prose is in book/, unlike the notebooks."""
    context["doc_path"] = "" if pagename.startswith("notebooks/") else "book"
