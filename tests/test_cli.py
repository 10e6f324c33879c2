"""The command line as an operator meets it: help for everything, and a sentence instead of a stack."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from gyrophare import cli
from gyrophare.settings import effective, load

SECRET = "hunter2-never-shown"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own; whatever a command should start by mistake would land in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GYROPHARE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "400")  # a table is not to be folded
    return tmp_path


def gyrophare(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed program, as a person or systemd runs it."""
    return subprocess.run(
        [Path(sys.executable).with_name("gyrophare"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The same in this process; the exit code."""
    monkeypatch.setattr(sys, "argv", ["gyrophare", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def commands(group: TyperGroup, *before: str) -> list[tuple[str, ...]]:
    """Every command, with the words that lead to it."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*before, name))
        if isinstance(command, TyperGroup):
            found += commands(command, *before, name)
    return found


def root() -> TyperGroup:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    return group


def test_version_is_the_installed_one() -> None:
    shown = gyrophare("version")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"gyrophare {version('gyrophare')}\n", "")


def test_program_is_a_module_too() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "gyrophare.cli", "version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert shown.stdout.startswith("gyrophare ")


@pytest.mark.parametrize("words", [(), *commands(root())], ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli.app, [*words, "--help"])
    assert shown.exit_code == 0
    assert "Usage: " in shown.output
    command: Any = root()
    for word in words:
        command = command.commands[word]
    assert command.help
    assert command.help.split()[0] in shown.output
    for parameter in command.params:
        # An option without a word of help is one that nobody dares to use.
        assert getattr(parameter, "help", None), f"{' '.join(words)} {parameter.name}"


@pytest.mark.parametrize("words", [(), ("config",)], ids=["gyrophare", "gyrophare config"])
def test_nothing_asked_for_shows_help(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli.app, list(words))
    assert "Usage: " in shown.output


def test_config_show_shows_every_setting_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPHARE_DATABASE_URL", f"postgresql://gyro:{SECRET}@db/gyro")
    monkeypatch.setenv("GYROPHARE_MQTT_URL", f"mqtts://gyro:{SECRET}@broker")
    for key, value in {
        "BASE_URL": "https://sms.example.fr",
        "ACCOUNT_SID": "AC" + "0" * 32,
        "API_KEY": "SK" + "1" * 32,
        "API_SECRET": SECRET,
        "FROM_NUMBER": "+33380000000",
    }.items():
        monkeypatch.setenv(f"GYROPHARE_SMS_{key}", value)
    said = gyrophare("config", "show")
    assert (said.returncode, said.stderr) == (0, "")
    shown = said.stdout
    assert SECRET not in shown
    assert "postgresql://gyro:********@db/gyro" in shown
    for line in effective(load()):
        for part in (line.key, line.value, line.variable, line.meaning):
            assert part in shown  # brackets too: "mqtt[s]" is no markup


@pytest.mark.parametrize("command", [("config", "show"), ("serve",), ("doctor",), ("migrate",), ("demo", "--headless")])
def test_wrong_configuration_is_a_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GYROPHARE_SMS_API_SECRET", SECRET)
    monkeypatch.setenv("GYROPHARE_HTTP_PORT", "http")
    assert run(monkeypatch, *command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("gyrophare: ")
    assert "http.port = 'http': Input should be a valid integer" in said.err
    assert "give every key of [sms] or none" in said.err  # the brackets are no markup
    assert "Traceback" not in said.err
    assert SECRET not in said.err
    assert not (here / "data").exists()


def test_configuration_file_that_is_not_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    odd = here / "[/bold]" / "nowhere.toml"  # a name that rich would take for markup
    assert run(monkeypatch, "config", "show", "--config", str(odd)) == 2
    assert f"The configuration file {odd} does not exist." in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "gyrophare.cotedor.example", ""])  # noqa: S104
def test_serve_refuses_to_show_everybody_to_the_network(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Path, host: str
) -> None:
    monkeypatch.setenv("GYROPHARE_HTTP_HOST", host)
    before = set(here.iterdir())
    assert run(monkeypatch, "serve") == 2
    said = capsys.readouterr().err
    assert f"http.host = {host!r}" in said
    assert "accounts" in said
    assert "Traceback" not in said
    assert set(here.iterdir()) == before  # neither a database nor a broker was started


def test_serve_refuses_so_as_a_program_too(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    monkeypatch.setenv("GYROPHARE_HTTP_HOST", "0.0.0.0")  # noqa: S104
    shown = gyrophare("serve")
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert "http.host = '0.0.0.0'" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert not (here / "data").exists()


@pytest.mark.parametrize(
    "arguments", [("sevre",), ("serve", "--prot", "1"), ("config", "shwo"), ("demo", "--seconds", "x")]
)
def test_mistyped_command_line_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert "Usage: " in said
    assert "Traceback" not in said
