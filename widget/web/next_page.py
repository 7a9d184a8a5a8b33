"""Where a sign-in leads: to the page that was asked for, if it is one of ours."""

from __future__ import annotations

from widget.web.http import split_address

HOME = "/inbox"


def own_path(path: str) -> str:
    r"""`path`, if it leads to a page of ours; else the first page.

    Browsers read `//host`, `/\host` and a tab between the slashes as another site: such paths are refused.
    """
    parts = split_address(path) if path.isprintable() else None
    is_ours = parts and not parts.scheme and not parts.netloc and path.startswith("/") and not path.startswith("//")
    is_ours = is_ours and "\\" not in path and parts and parts.path not in {"/", "/login", "/logout"}
    return path if is_ours else HOME
