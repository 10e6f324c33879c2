"""Roads to rehearse on: traffic that passes, a car that comes at the van, and what weather and camera make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gyrophare.sim.van_scene.paint import Frame
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.scenarios import passing_traffic
from gyrophare.sim.van_scene.scene import Scene
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.weather import SOUND, Faults, Knock, Light, Weather
from vehicle_vision.camera import Camera
from vehicle_vision.sizes import Kind

FRAMES_PER_S, LASTS_S = 20.0, 40.0
_BREAKS_AT_S, _COMES_AT_S, _SPEED_MPS = 18.0, 26.0, 25.0
_DAY = Weather()
REHEARSALS: Mapping[str, tuple[Weather, Faults]] = {
    "day": (_DAY, SOUND),
    "dusk": (Weather(light=Light.DUSK), SOUND),
    "night": (Weather(light=Light.NIGHT), SOUND),
    "rain": (Weather(rain=0.6), SOUND),
    "fog": (Weather(visibility_m=150.0), SOUND),
    "dirt": (_DAY, Faults(dirt=0.3)),
    "vibration": (_DAY, Faults(vibration_px=0.7)),
    "knock": (_DAY, Faults(knocks=(Knock(at_s=_BREAKS_AT_S, pitch_deg=0.3, yaw_deg=-0.4),))),
    "frozen": (_DAY, Faults(frozen_from_s=_BREAKS_AT_S)),
}


def rehearsal(name: str, camera: Camera, seed: int) -> Iterator[tuple[float, Frame]]:
    """Times, seconds, and frames of one of REHEARSALS as that camera sees it; a car comes at 90 km/h."""
    weather, faults = REHEARSALS[name]
    passing = passing_traffic(600, seed, lasts_s=LASTS_S)
    comes = Vehicle(
        id=len(passing) + 1,
        kind=Kind.CAR,
        starts_m=250.0,
        closing_mps=((_COMES_AT_S, _SPEED_MPS),),
        offset_m=((0.0, 0.0),),
    )
    scene = Scene(camera, Road(), (*passing, comes), weather, seed, faults=faults)
    for number in range(round(LASTS_S * FRAMES_PER_S)):
        yield number / FRAMES_PER_S, scene.frame(number / FRAMES_PER_S)[0]
