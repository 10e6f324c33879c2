"""`gyrophare profiles` and `gyrophare zones` as an operator meets them."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.operated import Operator, gyrophare, here

__all__ = ["gyrophare", "here"]


@pytest.fixture
def field(tmp_path: Path) -> Path:
    """A drawn polygon, as a map editor saves it."""
    ring = [[4.6, 47.4], [4.7, 47.4], [4.7, 47.5], [4.6, 47.5], [4.6, 47.4]]
    path = tmp_path / "coquille.geojson"
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    return path


def test_profile_is_changed_for_the_shifts_that_begin_later(gyrophare: Operator, database_url: str) -> None:
    gyrophare("agents", "add", "Zoé Martin")
    assert "pna11" in gyrophare("profiles", "list")
    gyrophare("profiles", "set", "fauchage", "alarm_after_s=120", "prealarm_after_s=[90,110]", "silence_after_s=120")
    shown = json.loads(gyrophare("profiles", "show", "mowing", "--json"))
    assert (shown["alarm_after_s"], shown["prealarm_after_s"], shown["engine"]) == (120, [90, 110], True)
    with psycopg.connect(database_url) as connection:
        [(name, who)] = connection.execute("select name, changed_by from profile").fetchall()
    assert (name, bool(who)) == ("mowing", True)


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        (["alarm_after_s=5", "prealarm_after_s=[3]"], "10 to 3600"),
        (["alarm_after_s=160"], "seconds that grow"),
        (["alarm_after_s"], "KEY=VALUE"),
        (["alarm_after_s=soon"], "KEY=VALUE"),
        (["siren=true"], "one of"),
        (["silence_after_s=1201"], "20 minutes"),
        (["engine=1"], "true or false"),
    ],
)
def test_figure_that_cannot_be_used_is_refused(gyrophare: Operator, figures: list[str], why: str) -> None:
    assert why in gyrophare.refused("profiles", "set", "mowing", *figures)


def test_zone_is_declared_drawn_anew_and_taken_away(gyrophare: Operator, field: Path) -> None:
    gyrophare("zones", "add", "Gorges de la Coquille", str(field))
    gyrophare("zones", "add", "Gorges de la Coquille", str(field), "--minutes", "15")
    [zone] = json.loads(gyrophare("zones", "list", "--json"))
    assert (zone["name"], zone["minutes"], len(zone["area"])) == ("Gorges de la Coquille", 15, 4)
    assert zone["area"][0] == [47.4, 4.6]
    gyrophare("zones", "remove", "Gorges de la Coquille")
    assert json.loads(gyrophare("zones", "list", "--json")) == []
    assert "no zone" in gyrophare.refused("zones", "remove", "Gorges de la Coquille")


@pytest.mark.parametrize(
    "drawn",
    ["", "[]", '{"type": "Point", "coordinates": [4, 47]}', '{"type": "Polygon", "coordinates": [[[4, 47], [5, 48]]]}',
     '{"type": "Polygon", "coordinates": [[[400, 47], [5, 48], [5, 47]]]}'],
)  # fmt: skip
def test_file_that_holds_no_zone_is_refused(gyrophare: Operator, tmp_path: Path, drawn: str) -> None:
    path = tmp_path / "drawn.geojson"
    path.write_text(drawn, encoding="utf-8")
    assert "xpected" in gyrophare.refused("zones", "add", "Ici", str(path))
