"""The command `sayso`: each command parses, calls `bot`, prints. One command or group of commands a file."""

from __future__ import annotations

import typer

from widget.cli import check, flow, imports, jobs, migrate, serve, teammate, token, verify, worker

app = typer.Typer(
    name="sayso",
    help="Collect SMS consent in chat, keep a verifiable record of it, and text only people who opted in.\n\n"
    "Settings are read from the environment (SAYSO_…) or a .env file. List them with `sayso check --settings`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(serve.demo)
app.command()(worker.worker)
app.add_typer(teammate.app, name="teammate")
app.add_typer(token.app, name="token")
app.add_typer(jobs.app, name="jobs")
app.add_typer(flow.app, name="flow")
app.command()(migrate.migrate)
app.command()(verify.verify)
app.command("import")(imports.import_contacts)
app.command()(check.check)


def main() -> None:
    app()
