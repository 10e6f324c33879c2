"""`gyrophare evaluate stillness` on small files of every format: what it counts, what it says, what it survives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gyrophare.cli import app
from gyrophare.kernel.errors import GyrophareError

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
KEYS = ["file", "hours", "alarms", "prealarms", "false_alarms", "missed", "resets_while_still", "lateness_s"]
# Walks for five minutes at 1.2 m/s, lies for ten, walks for five.
WALKED_M = [1.2 * s if s <= 300 else 360 if s <= 900 else 360 + 1.2 * (s - 900) for s in range(0, 1_201, 5)]


def latitude_deg(north_m: float) -> float:
    return round(47.3215 + north_m / 111_195, 7)


def moments() -> list[tuple[datetime, float]]:
    return [(AT + timedelta(seconds=5 * n), latitude_deg(m)) for n, m in enumerate(WALKED_M)]


def native() -> str:
    return "\n".join(
        json.dumps(
            {
                "boot": "9f3a01c2",
                "seq": n + 1,
                "sent_at": at.isoformat(),
                "fix": {"fixed_at": at.isoformat(), "lat": lat, "lon": 5.0415, "accuracy_m": 4.0},
            }
        )
        for n, (at, lat) in enumerate(moments())
    )


def gpsd() -> str:
    sky = '{"class":"SKY","gdop":2.42}'
    lost = '{"class":"TPV","mode":1,"time":"1999-08-22T00:00:00.000Z"}'
    fixes = [
        json.dumps({"class": "TPV", "mode": 3, "time": at.isoformat(), "lat": lat, "lon": 5.0415, "eph": 4.0})
        for at, lat in moments()
    ]
    return "\n".join([lost, "$GPZDA,195349.00,18,04,2023,00,00*6B", sky, *fixes]).replace(": ", ":")


def plt() -> str:
    head = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track,0,0,2,8421376\n0\n"
    return head + "\n".join(f"{lat},5.0415,0,492,39744.12,{at:%Y-%m-%d},{at:%H:%M:%S}" for at, lat in moments())


def gpx() -> str:
    points = "\n".join(
        f'<trkpt lat="{lat}" lon="5.0415"><ele>245</ele><time>{at:%Y-%m-%dT%H:%M:%SZ}</time></trkpt>'
        for at, lat in moments()
    )
    head = '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'
    return f"{head}<trk><trkseg>{points}</trkseg></trk></gpx>"


def csv() -> str:
    rows = "\n".join(f"{at.timestamp() * 1_000:.0f},{lat},5.0415,4" for at, lat in moments())
    return f"time,lat,lon,accuracy_m\n{rows}\n"


WRITERS = {"native": ("a.jsonl", native), "gpsd": ("a.chk", gpsd), "plt": ("a.plt", plt), "gpx": ("a.gpx", gpx)}
WRITERS |= {"csv": ("a.csv", csv)}


def evaluate(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["evaluate", "stillness", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def warnings(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["evaluate", "stillness", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stderr


@pytest.mark.parametrize("format_", list(WRITERS))
def test_walk_with_a_rest_gives_one_alarm_when_it_is_written_as(format_: str, tmp_path: Path) -> None:
    name, write = WRITERS[format_]
    (tmp_path / name).write_text(write())
    found = evaluate(str(tmp_path), "--format", format_, "--no-at-rest")
    [one] = found["files"]
    assert set(KEYS) <= one.keys()
    assert {*KEYS[1:], "per_1000_hours"} <= found["totals"].keys()
    assert one["file"] == str(tmp_path / name)
    assert one["hours"] == pytest.approx(1 / 3, abs=0.001)
    assert (one["prealarms"], one["alarms"], one["false_alarms"], one["missed"]) == (1, 1, 0, 0)
    assert (one["resets_while_still"], one["bad_lines"], one["stays"], one["alarmed_once"]) == (0, 0, 1, 1)
    assert one["seconds_still"] == pytest.approx(600, abs=30)
    assert [-30 < late_s < 90 for late_s in one["lateness_s"]] == [True]
    assert found["totals"]["per_1000_hours"]["alarms"] == pytest.approx(3_000, rel=0.01)


def test_long_rest_has_exactly_one_prealarm_and_one_alarm(tmp_path: Path) -> None:
    still = "\n".join(f"{AT.timestamp() + s},{latitude_deg(s % 7)},5.0415" for s in range(0, 1_800, 10))
    (tmp_path / "a.csv").write_text(f"time,lat,lon\n{still}\n")
    [one] = evaluate(str(tmp_path), "--format", "csv")["files"]
    assert (one["stays"], one["alarmed_once"], one["alarms"], one["prealarms"]) == (1, 1, 1, 1)
    [one] = evaluate(str(tmp_path), "--format", "csv", "--profile", "pna11")["files"]
    assert (one["alarms"], one["lateness_s"]) == (1, [0])


def test_receiver_of_gpsd_is_at_rest_unless_said_otherwise(tmp_path: Path) -> None:
    (tmp_path / "a.chk").write_text(gpsd())
    [one] = evaluate(str(tmp_path), "--format", "gpsd")["files"]
    assert one["seconds_still"] == 1_200
    assert one["resets_while_still"] > 0


def test_labels_say_when_the_wearer_was_still(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv())
    still = f"{AT + timedelta(seconds=310):%Y/%m/%d %H:%M:%S}\t{AT + timedelta(seconds=900):%Y/%m/%d %H:%M:%S}\tstill"
    (tmp_path / "truth.txt").write_text(f"Start Time\tEnd Time\tWhat\n{still}\n")
    [one] = evaluate(str(tmp_path), "--format", "csv", "--labels", str(tmp_path / "truth.txt"))["files"]
    assert (one["seconds_still"], one["alarms"], one["false_alarms"]) == (590, 1, 0)


def test_labels_beside_a_track_tell_what_was_done_at_each_alarm(tmp_path: Path) -> None:
    (tmp_path / "tour_1.plt").write_text(plt())
    (tmp_path / "tour_labels.txt").write_text(f"Start\tEnd\tMode\n{AT:%Y/%m/%d %H:%M:%S}\t2026/12/31 00:00:00\tWalk\n")
    [one] = evaluate(str(tmp_path), "--format", "plt")["files"]
    assert one["alarms_by_label"] == {"walk": 1}


def test_silence_is_neither_false_nor_missed(tmp_path: Path) -> None:
    rows = csv().splitlines()
    (tmp_path / "a.csv").write_text("\n".join(rows[:41] + rows[-40:]))
    [one] = evaluate(str(tmp_path), "--format", "csv")["files"]
    assert (one["alarms"], one["silence_alarms"], one["false_alarms"], one["missed"]) == (0, 1, 0, 0)
    assert one["hours"] == pytest.approx((40 * 5 + 39 * 5 - 5) / 3_600, abs=0.002)


@pytest.mark.parametrize(
    ("format_", "line", "reason"),
    [
        ("native", '{"boot":"9f3a01c2","seq":9000}', "received_at"),
        ("native", "{", "line 242"),
        ("native", '{"boot":"b","seq":1,"sent_at":"2026-01-14T08:00:00Z","fix":{"lat":91,"lon":5}}', "lat"),
        ("gpsd", '{"class":"TPV","mode":3,"time":"2026-01-14T09:42:03Z","lat":91,"lon":5}', "lat = '91'"),
        ("gpsd", '{"class":"TPV","mode":3,"time":"2025-01-14T09:42:03Z","lat":47,"lon":5}', "line above"),
        ("gpsd", '{"class":"TPV","mode":', "line 245"),
        ("plt", "47.3,5.0,0,492,39744.12,2026-01-14", "6 fields"),
        ("plt", "47.3,5.0,0,492,39744.12,2026-13-14,07:00:00", "time ="),
        ("csv", "yesterday,47.3,5.0,4", "time = 'yesterday'"),
        ("csv", "1768376523,47.3,5.0,nan", "accuracy_m = 'nan'"),
        ("csv", "1768376523,47.3", "2 fields; expected 4"),
    ],
)
def test_bad_line_is_named_counted_and_skipped(format_: str, line: str, reason: str, tmp_path: Path) -> None:
    name, write = WRITERS[format_]
    (tmp_path / name).write_text(f"{write().rstrip()}\n{line}\n")
    [one] = evaluate(str(tmp_path), "--format", format_)["files"]
    assert (one["bad_lines"], one["hours"]) == (1, pytest.approx(1 / 3, abs=0.001))
    said = warnings(str(tmp_path), "--format", format_)
    assert name in said
    assert reason in said


def test_xml_with_a_document_type_is_not_read(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE gpx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    (tmp_path / "a.gpx").write_text(gpx().replace('<?xml version="1.0"?>', f'<?xml version="1.0"?>{bomb}'))
    [one] = evaluate(str(tmp_path), "--format", "gpx")["files"]
    assert (one["hours"], one["bad_lines"]) == (0, 1)
    assert "document type" in warnings(str(tmp_path), "--format", "gpx")


def test_points_before_xml_breaks_off_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.gpx").write_text(gpx().replace("<time>", "<when>", 1).replace("</time>", "</when>", 1)[:-200])
    [one] = evaluate(str(tmp_path), "--format", "gpx")["files"]
    assert one["hours"] == pytest.approx(1 / 3, abs=0.01)
    assert one["bad_lines"] == 2


@pytest.mark.parametrize("format_", list(WRITERS))
def test_empty_file_has_no_hours(format_: str, tmp_path: Path) -> None:
    (tmp_path / WRITERS[format_][0]).write_text("")
    found = evaluate(str(tmp_path), "--format", format_)
    assert (found["files"][0]["hours"], found["files"][0]["lateness_s"]) == (0, [])
    assert found["totals"]["per_1000_hours"]["alarms"] is None


def test_folder_is_searched_for_files_of_the_format_only(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.csv", "deep/a.CSV", "a.plt", "notes.txt"):
        (tmp_path / name).write_text(csv())
    found = evaluate(str(tmp_path), str(tmp_path / "b.csv"), "--format", "csv")
    assert [Path(one["file"]).name for one in found["files"]] == ["b.csv", "a.CSV"]
    assert found["totals"]["alarms"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv", "--format", "csv"], "is not there"),
        ([".", "--format", "csv"], "holds no file named"),
        (["a.dat", "--format", "csv"], "no column lat, lon"),
        (["a.dat", "--format", "plt", "--profile", "sleeping"], "no profile 'sleeping'"),
        (["a.dat", "--format", "plt", "--labels", "nowhere.txt"], "cannot be read"),
        (["a.dat", "--format", "plt", "--labels", "a.dat"], "line 2"),
    ],
)
def test_what_cannot_be_read_at_all_is_said(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.dat").write_text("time,breadth\n1,2\n")
    with pytest.raises(GyrophareError, match=said):
        evaluate(*arguments)


def test_table_is_printed_for_people(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv())
    done = CliRunner().invoke(app, ["evaluate", "stillness", str(tmp_path), "--format", "csv"])
    assert done.exit_code == 0
    assert all(word in done.stdout for word in ("false alarms", "a.csv", "in 1 000 hours"))
