"""Arrays written by hand are what PostgreSQL reads and writes itself."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyrophare.embedded import PostgresServer
from gyrophare.platform import sql
from ingest.sequences import _numbers, _spans

storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@pytest.fixture(scope="module")
def connection(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        yield connection


def read(connection: psycopg.Connection, array: str, kind: str) -> object:
    row = connection.execute(f"select %s::{kind}[]".encode(), [array]).fetchone()
    assert row is not None
    return row[0]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.none() | st.booleans()),
)
def test_numbers_and_booleans_come_back_as_they_were(
    connection: psycopg.Connection, floats: list[float | None], integers: list[int | None], flags: list[bool | None]
) -> None:
    assert read(connection, sql.array(floats), "float8") == floats
    assert read(connection, sql.array(integers), "bigint") == integers
    assert read(connection, sql.array(flags), "boolean") == flags


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.none() | storable | st.sampled_from(["", "NULL", "null", '"', "\\", "{a,b}", " a ", "\n"])))
def test_texts_come_back_as_they_were(connection: psycopg.Connection, texts: list[str | None]) -> None:
    expected = texts if any(text is not None for text in texts) else []
    assert read(connection, sql.texts(texts), "text") == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.integers(0, 40) | st.integers(0, 2**53), min_size=1))
def test_spans_are_written_as_postgresql_writes_them(connection: psycopg.Connection, numbers: list[int]) -> None:
    [written] = connection.execute("select %s::int8multirange::text", [_spans(numbers)]).fetchone() or ()
    assert written == _spans(numbers)
    assert _numbers(written, numbers) == set(numbers)
