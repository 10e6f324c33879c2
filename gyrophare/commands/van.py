"""`gyrophare van`: the camera in the van, and the network that sees."""

from __future__ import annotations

import typer

from gyrophare.commands import van_calibrate, van_exports, van_model, van_replay

app = typer.Typer(help="The camera in the van, and the network that sees.", no_args_is_help=True)
app.add_typer(van_calibrate.app, name="calibrate")
app.command()(van_replay.replay)
model = typer.Typer(help="Fetch a network, export it for the van's computer, and see that nothing was lost.")
app.add_typer(model, name="model", no_args_is_help=True)
model.command()(van_exports.fetch)
model.command()(van_exports.export)
model.command()(van_exports.check)
model.command()(van_model.train_demo)
