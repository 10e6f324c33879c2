"""`gyrophare van calibrate`: where the camera looks, measured at the depot and written into its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from gyrophare.commands.said import say
from gyrophare.kernel.errors import GyrophareError

if TYPE_CHECKING:
    from vehicle_vision.calibration.cones import Cone
    from vehicle_vision.camera import Camera

app = typer.Typer(
    help="Measure the camera and write its file. First the lens by a chessboard, or its field of view from the data "
    "sheet when there is no board; then, in the van, where it looks by cones on the road.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The camera's file, TOML.")]
Height = Annotated[float | None, typer.Option(help="Of the lens above the road, metres, measured with a tape.")]


@app.command()
def fov(
    file: File,
    degrees: Annotated[float, typer.Option(help="Horizontal field of view, from the data sheet.")],
    size: Annotated[str, typer.Option(help="Of the frames, pixels.")] = "1920x1080",
    height_m: Height = None,
) -> None:
    """Write a first file from the field of view. Ranges are rough until cones have been used."""
    from vehicle_vision.camera import Camera

    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise GyrophareError(f"--size {size!r}; expected WIDTHxHEIGHT in pixels, 1920x1080")
    _write(Camera.from_field_of_view((int(width), int(height)), degrees, height_m=height_m), file)


@app.command()
def board(
    file: File,
    video: Annotated[Path, typer.Option(help="A chessboard before the camera: still, tilted, near all edges.")],
    corners: Annotated[str, typer.Option(help="Inner corners, across and down.")] = "9x6",
    height_m: Height = None,
) -> None:
    """Measure the lens: focal length, middle and distortion."""
    from gyrophare.evaluation.vision.replay import recorded
    from vehicle_vision.calibration.chessboard import calibrate

    across, _, down = corners.partition("x")
    if not (across.isdecimal() and down.isdecimal() and min(int(across), int(down)) >= 3):
        raise GyrophareError(f"--corners {corners!r}; expected inner corners across and down, 9x6, three at least")
    lens = calibrate((image for _, image in recorded(video).frames), (int(across), int(down)))
    say(f"{lens.views} views, which miss one another by {lens.misfit_px:.2f} pixels")
    _write(replace(lens.camera, height_m=height_m), file)


@app.command()
def cones(
    file: File,
    cone: Annotated[
        list[str],
        typer.Option(help="RANGE[,RIGHT]:U,V: metres ahead of the lens, right of the van's axis; pixels of its foot."),
    ],
    height: Annotated[
        bool, typer.Option("--find-height", help="Find the height of the lens too: three cones at least.")
    ] = False,
    focal: Annotated[
        bool, typer.Option("--find-focal", help="Find the focal length too: four cones at least.")
    ] = False,
) -> None:
    """Find where the camera looks from cones on a level road, and put it into its file."""
    from vehicle_vision import camera_file
    from vehicle_vision.calibration.cones import fit

    fitted = fit(camera_file.read(file), [_cone(text) for text in cone], height=height, focal=focal)
    say(f"the cones miss by {fitted.misfit_px:.1f} pixels")
    _write(fitted.camera, file)


def _cone(text: str) -> Cone:
    from vehicle_vision.calibration.cones import Cone

    place, _, foot = text.partition(":")
    try:
        range_m, *right = (float(one) for one in place.split(","))
        u_px, v_px = (float(one) for one in foot.split(","))
        if len(right) > 1:
            raise ValueError(text)
    except ValueError:
        raise GyrophareError(f"--cone {text!r}; expected RANGE:U,V or RANGE,RIGHT:U,V, 30,1.5:812,455") from None
    return Cone(u_px=u_px, v_px=v_px, range_m=range_m, lateral_m=right[0] if right else None)


def _write(camera: Camera, file: Path) -> None:
    from vehicle_vision import camera_file

    camera_file.write(camera, file)
    height = "not measured" if camera.height_m is None else f"{camera.height_m:.2f} m"
    say(
        f"{escape(str(file))}: {camera.horizontal_fov_deg:.1f}° wide, lens above the road: {height}, "
        f"looks {camera.pitch_deg:+.2f}° down (± {camera.pitch_sigma_deg:.2f}) "
        f"and {camera.yaw_deg:+.2f}° to the right (± {camera.yaw_sigma_deg:.2f})"
    )
