"""Simulated approaches: how far away a vehicle is, and how long before it is here, when the siren sounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gyrophare.evaluation.vision.encounters import (
    CAR,
    FRAME_WH,
    LORRY,
    VAN,
    Encounter,
    Vehicle,
    believed_camera,
    encounter,
    true_camera,
)
from vehicle_vision.camera import Camera
from vehicle_vision.hazard import Level, Policy
from vehicle_vision.lookout import Lookout

SPEEDS_KMH = (50, 70, 80, 90, 110, 130)
PASSING_M = 3.0
_PASSING: Sequence[tuple[Vehicle, float]] = ((CAR, 0.75), (VAN, 0.10), (LORRY, 0.15))
_PASSED_MPS, _GAP_S = (14.0, 30.0), 6.0
_CHUNK = 25  # runs a task: small enough for a progress that moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Siren:
    """The first one of a run; None: it never sounded."""

    range_m: float | None
    lead_s: float | None
    """From the siren to the vehicle's arrival at the van."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedScore:
    """All approaches at one speed."""

    speed_kmh: float
    siren_m_p5: float
    siren_m_p50: float
    lead_s_p5: float
    lead_s_p50: float
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproachScore:
    runs: tuple[SpeedScore, ...]
    passing_runs: int
    passing_sirens: int
    sirens_m: Mapping[float, Sequence[float]]
    """The distance of each siren, metres, by speed, km/h."""

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": [asdict(one) for one in self.runs],
            "passing": {"runs": self.passing_runs, "sirens": self.passing_sirens},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Some runs of one kind, drawn from a seed of their own."""

    seed: tuple[int, ...]
    speeds_kmh: tuple[float, ...]
    passing: bool
    camera_sigma_deg: float
    passed: int
    """How many vehicles have passed before each, from which the van learns where its camera looks."""
    policy: Policy


def tasks(runs: int, seed: int, camera_sigma_deg: float, passed: int, policy: Policy) -> list[Task]:
    """Approaches at each speed, then as many vehicles that pass, at all speeds in turn."""

    def one(kind: int, speeds: Sequence[float], start: int) -> Task:
        return Task(
            seed=(seed, kind, start),
            speeds_kmh=tuple(speeds[start : start + _CHUNK]),
            passing=kind == len(SPEEDS_KMH),
            camera_sigma_deg=camera_sigma_deg,
            passed=passed,
            policy=policy,
        )

    kinds = [[float(speed)] * runs for speed in SPEEDS_KMH]
    kinds.append([float(SPEEDS_KMH[number % len(SPEEDS_KMH)]) for number in range(runs)])
    return [one(kind, speeds, start) for kind, speeds in enumerate(kinds) for start in range(0, runs, _CHUNK)]


def run(task: Task) -> list[Siren]:
    """Each run through the whole judgement of the van, from detections to the siren."""
    rng = np.random.default_rng(task.seed)
    return [_run(rng, task, speed_kmh / 3.6) for speed_kmh in task.speeds_kmh]


def _run(rng: np.random.Generator, task: Task, speed_mps: float) -> Siren:
    lookout = Lookout(believed_camera(task.camera_sigma_deg), policy=task.policy)
    camera = true_camera(rng, task.camera_sigma_deg)
    begin_s = _learn(rng, lookout, task.passed, camera)
    vehicle, lateral_m = (_passing(rng), PASSING_M) if task.passing else (CAR, 0.0)
    way = encounter(rng, vehicle, speed_mps, lateral_m, camera)
    sounded = next((number for number, level in _watch(lookout, way, begin_s) if level >= Level.ALERT), None)
    if sounded is None:
        return Siren(range_m=None, lead_s=None)
    range_m = float(way.range_m[sounded])
    return Siren(range_m=range_m, lead_s=range_m / speed_mps)


def _learn(rng: np.random.Generator, lookout: Lookout, vehicles: int, camera: Camera) -> float:
    """Let vehicles pass, one after the other; when the next may come, seconds."""
    begin_s = 0.0
    for _ in range(vehicles):
        way = encounter(rng, _passing(rng), rng.uniform(*_PASSED_MPS), PASSING_M + rng.uniform(0, 0.5), camera)
        for _ in _watch(lookout, way, begin_s):
            pass
        begin_s += float(way.at_s[-1]) + _GAP_S
    return begin_s


def _passing(rng: np.random.Generator) -> Vehicle:
    return _PASSING[int(rng.choice(len(_PASSING), p=[share for _, share in _PASSING]))][0]


def _watch(lookout: Lookout, way: Encounter, begin_s: float) -> Iterator[tuple[int, Level]]:
    """The level in each frame."""
    for number, at_s in enumerate(way.at_s):
        seen = slice(number, number + 1 if way.confidence[number] > 0 else number)
        labels = [way.label] * (seen.stop - seen.start)
        _, judged = lookout.look(begin_s + float(at_s), way.xyxy[seen], way.confidence[seen], labels, FRAME_WH)
        yield number, judged.verdict.level


def run_all(todo: Sequence[Task], processes: int, advance: Callable[[int], None]) -> list[list[Siren]]:
    """All tasks, in their order; `advance` is told of the runs done."""
    if processes == 1:
        return [_told(run(task), advance) for task in todo]
    with ProcessPoolExecutor(processes) as pool:
        futures = [pool.submit(run, task) for task in todo]
        for future in as_completed(futures):
            _told(future.result(), advance)
        return [future.result() for future in futures]


def _told(sirens: list[Siren], advance: Callable[[int], None]) -> list[Siren]:
    advance(len(sirens))
    return sirens


def score(todo: Sequence[Task], done: Sequence[Sequence[Siren]]) -> ApproachScore:
    """What all runs amount to; `done` in the order of `todo`."""
    by_speed: dict[float, list[Siren]] = {}
    passing: list[Siren] = []
    for task, sirens in zip(todo, done, strict=True):
        for speed_kmh, siren in zip(task.speeds_kmh, sirens, strict=True):
            (passing if task.passing else by_speed.setdefault(speed_kmh, [])).append(siren)
    return ApproachScore(
        runs=tuple(_speed(speed_kmh, sirens) for speed_kmh, sirens in by_speed.items()),
        passing_runs=len(passing),
        passing_sirens=sum(siren.range_m is not None for siren in passing),
        sirens_m={
            speed_kmh: [siren.range_m for siren in sirens if siren.range_m is not None]
            for speed_kmh, sirens in by_speed.items()
        },
    )


def _speed(speed_kmh: float, sirens: Sequence[Siren]) -> SpeedScore:
    """A vehicle that was missed counts as one whose siren sounded when it was here."""
    ranges_m = [siren.range_m or 0.0 for siren in sirens]
    leads_s = [siren.lead_s or 0.0 for siren in sirens]
    return SpeedScore(
        speed_kmh=speed_kmh,
        siren_m_p5=round(float(np.percentile(ranges_m, 5)), 1),
        siren_m_p50=round(float(np.percentile(ranges_m, 50)), 1),
        lead_s_p5=round(float(np.percentile(leads_s, 5)), 2),
        lead_s_p50=round(float(np.percentile(leads_s, 50)), 2),
        missed=sum(siren.range_m is None for siren in sirens),
    )
