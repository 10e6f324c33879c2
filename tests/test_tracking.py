"""The tracker: one vehicle is one track, through misses, gaps and neighbours; what cannot be a frame is refused."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gyrophare.evaluation.vision import kitti
from gyrophare.evaluation.vision.encounters import CAR, FRAME_WH, as_detected, believed_camera, encounter
from vehicle_vision.errors import VisionError
from vehicle_vision.tracking import Frame, Tracker

RECORDED = Path(__file__).parents[1] / "../shared/data/kitti_tracking"
Array = NDArray[np.float64]
Box = tuple[float, float, float, float]


def look(tracker: Tracker, at_s: float, *boxes: Box, confidence: float = 0.8) -> Frame:
    xyxy = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    return tracker.update(at_s, xyxy, np.full(len(boxes), confidence), ["car"] * len(boxes), FRAME_WH)


def box(u: float, v: float, width: float, height: float) -> Box:
    return u - width / 2, v - height / 2, u + width / 2, v + height / 2


def ids(frame: Frame) -> list[int]:
    return [one.track_id for one in frame.seen]


@pytest.mark.parametrize("speed_kmh", [50, 90, 130])
@pytest.mark.parametrize("lateral_m", [0.0, 3.0])
def test_an_approaching_car_is_one_track(speed_kmh: float, lateral_m: float) -> None:
    """Until a third of a second before it is here."""
    for seed in range(3):
        way = encounter(np.random.default_rng(seed), CAR, speed_kmh / 3.6, lateral_m, believed_camera(0.1))
        tracker, found = Tracker(FRAME_WH), Counter[int]()
        for at_s, xyxy, confidence, range_m in zip(way.at_s, way.xyxy, way.confidence, way.range_m, strict=True):
            count = int(confidence > 0 and range_m > 12)
            frame = tracker.update(at_s, xyxy[None][:count], confidence[None][:count], ["car"] * count, FRAME_WH)
            found.update(ids(frame))
        assert found.most_common(1)[0][1] == found.total(), found


def test_a_gap_of_half_a_second_keeps_the_id_and_coasting_follows_the_vehicle() -> None:
    tracker = Tracker(FRAME_WH)
    for step in range(20):
        look(tracker, step * 0.05, box(400 + 20 * step, 500, 60, 40))
    missing = [look(tracker, step * 0.05) for step in range(20, 30)]
    assert [len(frame.coasting) for frame in missing] == [1] * 10
    last = missing[-1].coasting[0]
    assert last.lost_s == pytest.approx(0.5)
    assert (last.xyxy[0] + last.xyxy[2]) / 2 == pytest.approx(400 + 20 * 29, abs=30)
    again = look(tracker, 30 * 0.05, box(400 + 20 * 30, 500, 60, 40))
    assert (ids(again), again.seen[0].hits, again.seen[0].since_s) == ([1], 21, 0.0)


def test_two_that_cross_keep_their_ids() -> None:
    tracker = Tracker(FRAME_WH)
    for step in range(60):
        frame = look(tracker, step * 0.05, box(400 + 15 * step, 500, 60, 45), box(1250 - 15 * step, 510, 66, 50))
    assert ids(frame) == [1, 2]


def test_a_far_vehicle_that_moves_farther_than_its_own_box_between_frames_is_one_track() -> None:
    tracker = Tracker(FRAME_WH)
    for step in range(15):
        frame = look(tracker, step * 0.1, box(600 + 14 * step, 540, 12, 9))
    assert ids(frame) == [1]


def test_a_doubtful_detection_begins_nothing_and_keeps_what_is() -> None:
    tracker = Tracker(FRAME_WH)
    assert look(tracker, 0.0, box(500, 500, 40, 30), confidence=0.15).seen == ()
    look(tracker, 0.1, box(500, 500, 40, 30), confidence=0.2)
    assert ids(look(tracker, 0.2, box(501, 500, 40, 30), confidence=0.12)) == [1]
    assert ids(look(tracker, 0.3, box(501, 500, 40, 30), confidence=0.09)) == []


def test_the_doubtful_is_for_those_that_are_without() -> None:
    tracker = Tracker(FRAME_WH)
    for step in range(5):
        look(tracker, step * 0.1, box(500, 500, 40, 30))
    two = np.array([box(502, 500, 40, 30), box(500, 500, 40, 30)])
    frame = tracker.update(0.5, two, np.array([0.9, 0.12]), ["car", "truck"], FRAME_WH)
    assert [(one.track_id, one.confidence) for one in frame.seen] == [(1, 0.9)]


def test_what_was_lost_for_a_second_is_over_and_its_id_is_not_used_again() -> None:
    tracker = Tracker(FRAME_WH)
    look(tracker, 0.0, box(500, 500, 40, 30))
    assert len(look(tracker, 1.0).coasting) == 1
    assert look(tracker, 1.01).coasting == ()
    assert ids(look(tracker, 1.05, box(500, 500, 40, 30))) == [2]


def test_what_left_the_picture_does_not_coast() -> None:
    tracker = Tracker(FRAME_WH)
    for step in range(8):
        look(tracker, step * 0.05, box(1700 + 25 * step, 600, 60, 40))
    assert look(tracker, 0.75).coasting == ()


@pytest.mark.parametrize(
    ("at_s", "boxes", "confidence", "labels", "frame_wh", "said"),
    [
        pytest.param(0.9, [], [], [], FRAME_WH, "times that go forward", id="time goes back"),
        pytest.param(math.nan, [], [], [], FRAME_WH, "times that go forward", id="no time"),
        pytest.param(1.1, [], [], [], (1280, 720), "one resolution", id="another resolution"),
        pytest.param(1.1, [(1, 2, math.nan, 4)], [0.5], ["car"], FRAME_WH, "finite", id="no number"),
        pytest.param(1.1, [(10, 20, 10, 40)], [0.5], ["car"], FRAME_WH, "a pixel or more", id="no width"),
        pytest.param(1.1, [(10, 40, 20, 20)], [0.5], ["car"], FRAME_WH, "a pixel or more", id="upside down"),
        pytest.param(1.1, [(10, 20, 30, 40)], [0.5, 0.6], ["car"], FRAME_WH, "shape", id="contradictory"),
        pytest.param(1.1, [(10, 20, 30, 40)], [1.5], ["car"], FRAME_WH, "0 to 1", id="no share"),
        pytest.param(1.1, [(10, 20, 30, 40)], [math.nan], ["car"], FRAME_WH, "0 to 1", id="no confidence"),
    ],
)
def test_what_cannot_be_a_frame_is_refused_and_changes_nothing(
    at_s: float,
    boxes: list[Box],
    confidence: list[float],
    labels: list[str],
    frame_wh: tuple[int, int],
    said: str,
) -> None:
    tracker = Tracker(FRAME_WH)
    look(tracker, 1.0, box(500, 500, 40, 30))
    xyxy = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    with pytest.raises(VisionError, match=said):
        tracker.update(at_s, xyxy, np.array(confidence, dtype=np.float64), labels, frame_wh)
    assert ids(look(tracker, 1.05, box(500, 500, 40, 30))) == [1]


def detections(
    sequence: kitti.Sequence, seed: int
) -> Iterator[tuple[list[int], NDArray[np.float64], NDArray[np.float64]]]:
    """Frame by frame what a detector would see of the labelled vehicles: whose, boxes and confidence."""
    rng = np.random.default_rng(seed)
    for frame in sequence.frames:
        plain = [one for one in frame if one.truncated <= 1 and one.occlusion <= 1]
        boxes = np.array([one.xyxy for one in plain], dtype=np.float64).reshape(-1, 4)
        xyxy, confidence = as_detected(rng, boxes, sequence.camera.frame_wh)
        seen = confidence > 0
        yield [one.track_id for one, kept in zip(plain, seen, strict=True) if kept], xyxy[seen], confidence[seen]


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"KITTI's tracking labels are not in {RECORDED}")
def test_recorded_traffic_keeps_its_ids() -> None:
    """From a moving car at 10 frames a second: harder than from a van that stands."""
    count, switched, vehicles = 0, 0, 0
    for sequence in kitti.read(RECORDED):
        tracker, last = Tracker(sequence.camera.frame_wh), dict[int, tuple[int, int]]()
        for number, (owners, xyxy, confidence) in enumerate(detections(sequence, seed=1)):
            frame = tracker.update(number / 10, xyxy, confidence, ["car"] * len(owners), sequence.camera.frame_wh)
            by_box = {tuple(one): owner for one, owner in zip(xyxy.tolist(), owners, strict=True)}
            for one in frame.seen:
                owner = by_box[one.xyxy]
                seen, track_id = last.get(owner, (number, one.track_id))
                switched += track_id != one.track_id and number - seen <= 10
                last[owner] = (number, one.track_id)
            count += len(owners)
        vehicles += len(last)
    assert count > 10_000
    assert switched < 0.015 * count, f"{switched} changes of id in {count} detections of {vehicles} vehicles"
