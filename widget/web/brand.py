"""The brand's color and logo, as every page uses them. Both URLs identify their content, so browsers cache them; a
change gets a new URL."""

from __future__ import annotations

import re

from aiohttp import web

from widget.web.assets import FOR_EVER
from widget.web.http import BOT
from widget.web.look import brand_css

COLOR = re.compile(r"[0-9a-f]{6}")


async def style(request: web.Request) -> web.Response:
    """`/brand.css?color=2f5bea`; without a color, the workspace's own. `&in=branded`: for elements of that class."""
    asked = request.query.get("color", "")
    is_named = COLOR.fullmatch(asked) is not None
    color = f"#{asked}" if is_named else (await request.app[BOT].workspace()).brand
    return web.Response(
        text=brand_css(color, ".branded" if request.query.get("in") == "branded" else ":root"),
        content_type="text/css",
        headers={"Cache-Control": FOR_EVER if is_named else "max-age=60"},
    )


async def logo(request: web.Request) -> web.Response:
    """`/brand/logo?v=<hash>`: served with the type detected from its bytes, and never executable."""
    keeper, asked = request.app[BOT].brand, request.query.get("v", "")
    current = (await request.app[BOT].workspace()).logo
    picture = await keeper.logo(asked[:64]) or await keeper.logo(current)
    if picture is None:
        raise web.HTTPNotFound
    headers = {
        "Cache-Control": FOR_EVER if picture.id == asked else "no-cache",
        "ETag": f'"{picture.id}"',
        "Content-Type": picture.type,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("If-None-Match", "").removeprefix("W/") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=picture.data, headers=headers)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/brand.css", style)
    app.router.add_get("/brand/logo", logo)
