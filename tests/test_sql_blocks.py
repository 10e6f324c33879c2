"""SQL stands in named blocks; a name that is asked for is there, and nothing stands there for nobody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gyrophare.platform import sql

ROOT = Path(__file__).parents[1]
PACKAGES = ("gyrophare", "ingest", "lone_worker", "alerts", "dashboards")


def load(folder: Path, text: str) -> dict[str, str]:
    (folder / "queries.sql").write_text(text, encoding="utf-8")
    return dict(sql.load(str(folder / "store.py")))


def test_blocks_are_split_at_their_names(tmp_path: Path) -> None:
    blocks = load(
        tmp_path,
        "-- what stands before the first name is for readers\n"
        "-- name: find_device\n-- a remark\nselect 1\n\n-- name: forget_2\ndelete from device where name = 'é'\n",
    )
    assert blocks == {
        "find_device": "-- a remark\nselect 1\n\n",
        "forget_2": "delete from device where name = 'é'\n",
    }


def test_block_ends_at_the_end_of_the_file_without_a_line_end(tmp_path: Path) -> None:
    assert load(tmp_path, "-- name: a\nselect 1") == {"a": "select 1"}


def test_blocks_written_on_windows_are_split_too(tmp_path: Path) -> None:
    assert list(load(tmp_path, "-- name: a\r\nselect 1\r\n-- name: b\r\nselect 2\r\n")) == ["a", "b"]


def test_mention_of_a_name_inside_a_line_is_no_block(tmp_path: Path) -> None:
    assert list(load(tmp_path, "-- name: a\nselect 1 -- name: b\n")) == ["a"]


def test_empty_file_holds_no_block(tmp_path: Path) -> None:
    assert load(tmp_path, "") == {}


def test_block_that_stands_twice_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the block find_device stands twice"):
        load(tmp_path, "-- name: find_device\nselect 1\n-- name: find_device\nselect 2\n")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"doctor\.sql"):
        sql.load(str(tmp_path / "doctor.py"), "doctor.sql")


def files() -> list[Path]:
    """The files that modules load."""
    found = set()
    for package in PACKAGES:
        for module in (ROOT / package).rglob("*.py"):
            for match in re.finditer(
                r'sql\.load\(__file__(?:, "(?P<name>[^"]+)")?\)', module.read_text(encoding="utf-8")
            ):
                found.add(module.with_name(match["name"] or "queries.sql"))
    return sorted(found)


def asks(module: Path, path: Path) -> bool:
    """Whether the blocks that `module` asks for stand in `path`; who loads none has its owner's."""
    named = re.search(r'sql\.load\(__file__, "(?P<name>[^"]+)"\)', module.read_text(encoding="utf-8"))
    return (named["name"] if named else "queries.sql") == path.name


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_asked_for_is_there_and_every_block_there_is_asked_for(path: Path) -> None:
    asked = set()
    for module in path.parent.glob("*.py"):
        if not asks(module, path):
            continue
        asked |= set(re.findall(r'QUERIES\[\s*"(\w+)"\s*\]', module.read_text(encoding="utf-8")))
    assert asked == set(sql.load(str(path), path.name))


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_line_that_begins_a_block_was_understood(path: Path) -> None:
    # A misspelt header would glue its block to the one before.
    headers = re.findall(r"(?i)^\s*--+\s*name\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(headers) == len(sql.load(str(path), path.name)) > 0
