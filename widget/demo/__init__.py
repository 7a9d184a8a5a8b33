"""The demo workspace's pages: a shop with the widget, and a phone that gets its texts. Only `sayso demo` has them."""

from aiohttp import web

from widget.demo import phone, shop


def add_routes(app: web.Application) -> None:
    shop.add_routes(app)
    phone.add_routes(app)
