"""What an exported model says of itself: ultralytics writes it into the ONNX file, or beside an OpenVINO one."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vehicle_vision.errors import VisionError

_EXPORT = "Export it with `gyrophare van model export`, or take another file."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A file that OpenVINO or ONNX Runtime reads."""

    path: Path
    """`.onnx`, or the `.xml` of OpenVINO."""
    names: Mapping[int, str]
    """The classes, by number."""
    made_for_wh: tuple[int, int] | None
    """The size of the input it was exported for; pixels. None: not said."""


def find(path: Path) -> Path:
    """The file of the network itself: the path, or what lies in the folder that ultralytics exports to."""
    if path.is_dir():
        found = sorted(path.glob("*.xml"))
        if len(found) != 1:
            raise VisionError(
                f"{path}: a folder with {len(found)} .xml files; expected one, as OpenVINO's exports have"
            )
        path = found[0]
    if not path.is_file():
        raise VisionError(f"{path}: no such model; expected a file. `gyrophare van model fetch` gets one.")
    if path.suffix not in (".onnx", ".xml"):
        raise VisionError(f"{path}: ends in {path.suffix!r}; expected .onnx, .xml or a folder of OpenVINO. {_EXPORT}")
    if path.suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise VisionError(f"{path}: its weights, {path.with_suffix('.bin').name}, are not beside it. Copy both files.")
    return path


def described(path: Path, properties: Mapping[str, Any]) -> ModelFile:
    """What a model's properties say; those of ONNX are the texts of Python's values."""
    task, names = properties.get("task", "detect"), _value(properties.get("names"))
    if task != "detect":
        raise VisionError(f"{path}: a model for {task!r}; expected one for 'detect'")
    channels = _value(properties.get("channels", 3))
    if channels != 3:
        raise VisionError(f"{path}: a model for pictures of {channels} channels; expected 3, colour")
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or set(names) != set(range(len(names))):
        raise VisionError(f"{path}: it does not say which classes it knows (names = {names!r:.60}). {_EXPORT}")
    return ModelFile(
        path=path,
        names={number: str(name) for number, name in names.items()},
        made_for_wh=_width_and_height(path, _value(properties.get("imgsz"))),
    )


def beside(path: Path) -> Mapping[str, Any]:
    """The properties in the `metadata.yaml` of an OpenVINO model."""
    file = path.with_name("metadata.yaml")
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise VisionError(
            f"{file}: cannot be read ({error}); expected what ultralytics writes there. {_EXPORT}"
        ) from error
    if not isinstance(found, dict):
        raise VisionError(f"{file}: {type(found).__name__}; expected keys such as `names`. {_EXPORT}")
    return found


def _width_and_height(path: Path, size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    height_and_width = [size, size] if isinstance(size, int) else size
    match height_and_width:
        case [int(height), int(width)] if height > 0 and width > 0:
            return width, height
        case _:
            raise VisionError(f"{path}: imgsz = {size!r}; expected height and width in pixels. {_EXPORT}")


def _value(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
