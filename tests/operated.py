"""The command line as an operator types it, in an installation with a database of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gyrophare import cli


@pytest.fixture
def here(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GYROPHARE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GYROPHARE_DATABASE_URL", database_url)
    monkeypatch.setenv("GYROPHARE_MQTT_URL", "mqtt://gyrophare:of-the-server@127.0.0.1:1883")
    return tmp_path


class Operator:
    """Types `gyrophare …` and reads the answer; every refusal must be a sentence."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str) -> str:
        code, out, err = self._type(*words)
        assert (code, err) == (0, "")
        return out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))

    def refused(self, *words: str) -> str:
        code, out, err = self._type(*words)
        assert (code, out) == (2, "")
        assert "xpected" in err
        return " ".join(err.split())

    def ended(self, code: int, *words: str) -> tuple[str, str]:
        """What it said, to a program and to a person, when it ends with that code."""
        ended, out, err = self._type(*words)
        assert ended == code
        return out, err

    def _type(self, *words: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["gyrophare", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def gyrophare(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    assert here == Path.cwd()
    return Operator(monkeypatch, capsys)
