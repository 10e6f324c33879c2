"""`gyrophare van model train-demo`: the network of the demo, from nothing but the rendered road."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gyrophare.commands.said import say
from gyrophare.commands.van_exports import need_vision


def train_demo(
    into: Annotated[Path, typer.Option(help="Folder for demo.onnx and demo.json.")] = Path("models"),
    pictures: Annotated[int | None, typer.Option(min=16, help="To render for training; default: the recipe's.")] = None,
    epochs: Annotated[
        list[int] | None, typer.Option(min=1, help="How often to see each; repeat it for another round of pictures.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of pictures and training; default: the recipe's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print demo.json on standard output.")] = False,
) -> None:
    """Train the demo's network on a rendered road. Needs the extras `van` and `torch`, and a quarter of an hour.

    It makes the demo and the tests run a real network anywhere. It is NOT FOR THE ROAD: it has never seen one. The same
    recipe on the same machine gives the same network. What it sees of rendered roads that it was not trained on is
    printed for two confidences, and written beside it: recall by height in pixels, precision, and how often its word
    for a vehicle is right.
    """
    need_vision()
    from gyrophare.sim.demo_model.training import Recipe, train

    usual = Recipe()
    recipe = replace(
        usual,
        pictures=pictures or usual.pictures,
        epochs=tuple(epochs or usual.epochs),
        seed=usual.seed if seed is None else seed,
    )
    model = train(recipe, into)
    said = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    if as_json:
        typer.echo(json.dumps(said, indent=2))
    else:
        for confidence, roads in said["measured"]["at_confidence"].items():
            _show(f"from {confidence} on", roads)
        say(f"{escape(str(model))}   [bold red]not for the road[/]")


def _show(title: str, roads: dict[str, Any]) -> None:
    heights = next(iter(roads.values()))["recall_by_height_px"]
    columns = ("recall", *(f"{name} px" for name in heights), "precision", "word right")
    table = Table(title, *columns, box=None, padding=(0, 1))
    for name, found in roads.items():
        shares = (found["recall"], *found["recall_by_height_px"].values(), found["precision"], found["class_right"])
        table.add_row(name, *("–" if share is None else f"{share:.2f}" for share in shares))
    say(table)
