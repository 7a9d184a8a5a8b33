"""Long work as pages show it: one live progress component, and a page for each job."""

from widget.jobs.pages import add_routes

__all__ = ["add_routes"]
