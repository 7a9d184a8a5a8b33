"""The documentation (docs/*.md) as pages for signed-in teammates."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from aiohttp import web
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.anchors import anchors_plugin

from bot.errors import NotFound
from bot.errors import marked as _
from widget.web.assets import ROOT
from widget.web.teammate_pages import requires, teammate_page, translated, translator_for

DOCS: Path = ROOT / "docs"
PAGES = {
    "tour": _("Product tour"),
    "contacts": _("Contacts"),
    "flows": _("Bot flows"),
    "outbound": _("Outbound messages"),
    "settings": _("Workspace settings"),
    "embedding": _("Embedding the chat"),
    "api": _("REST API"),
    "webhooks": _("Webhooks"),
    "forms": _("Public forms"),
    "canvas": _("Opt-in forms in Intercom"),
    "proof": _("Proof of consent"),
    "sending": _("Sending rules"),
    "deployment": _("Deployment"),
    "extending": _("Extending Sayso"),
    "architecture": _("Architecture"),
}
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").use(anchors_plugin, max_level=3)


async def index(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    pages = [(f"/help/{name}", say(title)) for name, title in PAGES.items()]
    return await teammate_page(request, "help/index.html", section="", title=say("Documentation"), pages=pages)


async def show(request: web.Request) -> web.StreamResponse:
    name, say = request.match_info["name"], translator_for(request)
    if name not in PAGES:
        raise NotFound
    text = rendered(name)
    return await teammate_page(request, "help/page.html", section="", title=say(PAGES[name]), text=text)


async def shortcuts(request: web.Request) -> web.StreamResponse:
    title = translated(request, "Keyboard shortcuts")
    return await teammate_page(request, "help/shortcuts.html", section="", title=title)


@lru_cache(maxsize=16)
def rendered(name: str) -> Markup:
    """HTML of one document; any HTML in it is escaped. Its first heading is left to the page."""
    tokens = MARKDOWN.parse((DOCS / f"{name}.md").read_text(encoding="utf-8"))
    if tokens and tokens[0].type == "heading_open":
        tokens = tokens[3:]
    for token in tokens:
        token.attrs.pop("style", None)  # the alignment of a table's column, which our policy refuses
        for child in token.children or ():
            _point(child)
    return Markup(MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}))  # noqa: S704 - the renderer escapes


async def image(request: web.Request) -> web.StreamResponse:
    """A picture of the documents, which name it by its path beside them."""
    path = DOCS / "images" / f"{request.match_info['name']}.png"
    if not path.is_file():
        raise NotFound
    return web.FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})


def _point(token: Token) -> None:
    """Links to other documents lead to their pages; those to files that are not served are left without an address."""
    href = str(token.attrs.get("href", ""))
    if token.type != "link_open" or href.startswith(("#", "https://", "http://")):
        return
    name, mark, place = href.partition("#")
    page = name.removesuffix(".md")
    if page in PAGES:
        token.attrs["href"] = f"/help/{page}{mark}{place}"
    else:
        del token.attrs["href"]


def add_routes(app: web.Application) -> None:
    app.router.add_get("/help", requires()(index))
    app.router.add_get("/help/shortcuts", requires()(shortcuts))
    app.router.add_get("/help/{name:[a-z]+}", requires()(show))
    app.router.add_get("/help/images/{name:[a-z-]+}.png", requires()(image))
