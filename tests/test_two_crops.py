"""Whole frame and strip, by detectors that know the vehicles and see what lies in their crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from vehicle_vision.camera import Camera
from vehicle_vision.detectors import Detections, Image
from vehicle_vision.detectors.strip import Crop, horizon_strip
from vehicle_vision.detectors.two_crops import TwoCrops, merged
from vehicle_vision.errors import CameraError, VisionError

CAMERA = Camera.from_field_of_view((1920, 1080), 60, height_m=2.2)
FRAME = np.zeros((1080, 1920, 3), dtype=np.uint8)
Box = tuple[float, float, float, float]


def detections(boxes: Sequence[Box], confidence: float = 0.5, label: str = "car") -> Detections:
    return Detections(
        xyxy=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        confidence=np.full(len(boxes), confidence),
        labels=(label,) * len(boxes),
        whole=np.ones(len(boxes), dtype=np.bool_),
    )


class Eye:
    """Sees of the vehicles what lies in its crop, if enough pixels of its input are left of it."""

    def __init__(
        self,
        boxes: Sequence[Box],
        scale: float,
        crop: Crop | None = None,
        *,
        confidence: float = 0.5,
        label: str = "car",
    ) -> None:
        self.boxes, self._scale, self.crop = boxes, scale, crop
        self._confidence, self._label = confidence, label
        self.looks = 0

    def detect(self, image: Image) -> Detections:
        self.looks += 1
        height, width = image.shape[:2]
        left, top = (self.crop.left_px, self.crop.top_px) if self.crop else (0, 0)
        seen: list[Box] = []
        for x1, y1, x2, y2 in self.boxes:
            x1, y1 = max(x1 - left, 0), max(y1 - top, 0)
            x2, y2 = min(x2 - left, width), min(y2 - top, height)
            if x2 - x1 > 2 and (y2 - y1) * self._scale >= 8:
                seen.append((x1, y1, x2, y2))
        return detections(seen, self._confidence, self._label)

    def scale(self, frame_wh: tuple[int, int]) -> float:
        return self._scale


def vehicle(range_m: float, lateral_m: float = 0.0, height_m: float = 1.5, width_m: float = 1.8) -> Box:
    """Its box: a flat one, upright on the road."""
    corners = np.array([[lateral_m - width_m / 2, height_m, range_m], [lateral_m + width_m / 2, 0.0, range_m]])
    (x1, y1), (x2, y2) = CAMERA.project(corners).tolist()
    return max(x1, 0.0), max(y1, 0.0), min(x2, 1920.0), min(y2, 1080.0)


def two_crops(boxes: Sequence[Box], *, frame_every: int = 1) -> tuple[TwoCrops, Eye, Eye]:
    crop = horizon_strip(CAMERA, 960)
    frame, strip = Eye(boxes, 1 / 3), Eye(boxes, 1.0, crop)
    return TwoCrops(CAMERA, frame=frame, strip=strip, frame_every=frame_every), frame, strip


def seen(found: Detections) -> list[list[int]]:
    return sorted(np.round(found.xyxy).astype(int).tolist())


def same(*boxes: Box) -> list[list[int]]:
    return sorted(np.round(np.array(boxes)).astype(int).tolist())


def test_strip_holds_what_is_farther_than_30_m() -> None:
    """A lorry at 30 m from roof to tyres, with half a degree of pitch either way; in sizes that networks take."""
    crop = horizon_strip(CAMERA, 960)
    lorry = vehicle(30, height_m=4)
    nod_px = CAMERA.fy_px * np.tan(np.radians(0.5))
    assert crop.top_px <= lorry[1] - nod_px
    assert crop.top_px + crop.height_px >= lorry[3] + nod_px
    assert (crop.width_px, crop.height_px) == (960, 256)
    assert crop.left_px == 480


def test_strip_follows_the_camera() -> None:
    straight = horizon_strip(CAMERA, 960)
    aside = horizon_strip(replace(CAMERA, yaw_deg=3.0), 960)
    down = horizon_strip(replace(CAMERA, pitch_deg=2.0), 960)
    assert aside.left_px == pytest.approx(straight.left_px - CAMERA.fx_px * np.tan(np.radians(3)), abs=1)
    assert down.top_px == pytest.approx(straight.top_px - CAMERA.fy_px * np.tan(np.radians(2)), abs=2)
    assert horizon_strip(replace(CAMERA, yaw_deg=-29.0), 960).xyxy[2] == 1920, "stays in the frame"
    assert horizon_strip(CAMERA, 4000).xyxy[::2] == (0, 1920)
    assert horizon_strip(replace(CAMERA, height_m=None), 960).height_px > straight.height_px


def test_strip_goes_where_the_lens_bends_the_horizon() -> None:
    wide = Camera.from_field_of_view((1920, 1080), 100, height_m=2.2, pitch_deg=20.0)
    bent = replace(wide, distortion=(-0.25, 0.06, 0.0, 0.0, 0.0))
    crop = horizon_strip(bent, 960)
    tyres_px = bent.horizon_px + bent.fy_px * 2.2 / 30
    rows = bent.distort(np.array([[x, tyres_px] for x in (500.0, 960.0, 1420.0)]))[:, 1]
    assert (rows < crop.xyxy[3]).all()
    assert rows.max() > horizon_strip(wide, 960).xyxy[3], "without the lens they would lie below it"


def test_horizon_outside_the_frame_is_an_error() -> None:
    with pytest.raises(CameraError, match="so that 100 m is not in the frame"):
        horizon_strip(replace(CAMERA, pitch_deg=25.0), 960)


def test_each_vehicle_is_seen_once_wherever_it_is() -> None:
    """Far ones the strip alone has, near ones the frame alone has whole, between them both."""
    far, middle, near, lorry, aside = (
        vehicle(100),
        vehicle(45, 3.5),
        vehicle(12, -3),
        vehicle(20, 4, height_m=3.5, width_m=2.5),
        vehicle(35, 18),
    )
    detector, _, _ = two_crops([far, middle, near, lorry, aside])
    found = detector.detect(FRAME)
    assert seen(found) == same(far, middle, near, lorry, aside)
    assert found.whole.all()


def test_far_car_that_a_near_one_half_hides_stays() -> None:
    near, far = vehicle(25, -0.8), vehicle(60, 0.6)
    detector, _, _ = two_crops([near, far])
    assert seen(detector.detect(FRAME)) == same(near, far)


def test_vehicle_that_the_frame_misses_is_kept_but_not_as_whole() -> None:
    """Something is there; how big it is, nobody knows."""
    near = vehicle(12)
    detector, frame, _ = two_crops([near])
    frame.boxes = ()
    found = detector.detect(FRAME)
    assert len(found) == 1
    assert not found.whole.any()


def test_part_of_a_lorry_at_the_edge_of_the_strip_is_no_vehicle() -> None:
    """The strip shows its flank and takes the lower half of it for a car."""
    lorry = vehicle(18, 3, height_m=3.8, width_m=2.5)
    crop = horizon_strip(CAMERA, 960)
    part = (lorry[0] + 20, crop.xyxy[3] - 70.0, lorry[2] - 40, float(crop.xyxy[3]))
    cut = replace(detections([part]), whole=np.array([False]))
    found = merged(detections([lorry], label="truck"), cut, crop)
    assert seen(found) == same(lorry)
    assert found.labels == ("truck",)


def test_strips_box_is_kept_with_the_surer_label() -> None:
    crop = horizon_strip(CAMERA, 960)
    x1, y1, x2, y2 = vehicle(60)
    coarse = (x1 - 3, y1 - 2, x2 + 2, y2 + 3)
    found = merged(detections([coarse], 0.8, "truck"), detections([(x1, y1, x2, y2)], 0.4), crop)
    assert seen(found) == same((x1, y1, x2, y2))
    assert found.labels == ("truck",)
    assert found.confidence.tolist() == [0.8]
    found = merged(detections([coarse], 0.3, "truck"), detections([(x1, y1, x2, y2)], 0.4), crop)
    assert found.labels == ("car",)
    assert found.confidence.tolist() == [0.4]


def test_sure_vehicle_does_not_make_its_doubtful_neighbour_sure() -> None:
    crop = horizon_strip(CAMERA, 960)
    x1, y1, x2, y2 = vehicle(60)
    doubtful = (x1 + 0.4 * (x2 - x1), y1, x2, y2)
    near = replace(detections([(x1, y1, x2, y2 + 200), (*doubtful[:3], y2 + 200)]), confidence=np.array([0.3, 0.12]))
    found = merged(near, detections([(x1, y1, x2, float(crop.xyxy[3]))], 0.9), crop)
    assert sorted(found.confidence.tolist()) == [0.12, 0.9]


def test_empty_looks_merge() -> None:
    crop = horizon_strip(CAMERA, 960)
    none, one = detections([]), detections([vehicle(60)])
    assert len(merged(none, none, crop)) == 0
    assert seen(merged(none, one, crop)) == seen(merged(one, none, crop)) == same(vehicle(60))


def test_whole_frame_is_looked_at_as_often_as_told() -> None:
    detector, frame, strip = two_crops([vehicle(80)], frame_every=3)
    for _ in range(7):
        assert seen(detector.detect(FRAME)) == same(vehicle(80))
    assert (frame.looks, strip.looks) == (3, 7)


def test_vehicle_that_the_strip_cuts_has_the_whole_frame_looked_at_at_once() -> None:
    """Between two looks at the whole frame, half a car would be ranged too far."""
    detector, frame, _ = two_crops([vehicle(15)], frame_every=10)
    for _ in range(4):
        found = detector.detect(FRAME)
        assert seen(found) == same(vehicle(15))
        assert found.whole.all()
    assert frame.looks == 4


def test_vehicle_cut_by_the_frame_itself_is_not_the_crops_affair() -> None:
    detector, _, _ = two_crops([(0.0, 500.0, 90.0, 590.0)])
    detector.crop = Crop(left_px=0, top_px=400, width_px=1920, height_px=256)
    found = detector.detect(FRAME)
    assert found.whole.all()


def test_another_resolution_is_an_error() -> None:
    detector, _, _ = two_crops([])
    with pytest.raises(VisionError, match="a frame of 1280x720; the camera is described for 1920x1080"):
        detector.detect(np.zeros((720, 1280, 3), dtype=np.uint8))


def test_aiming_again_moves_the_strip() -> None:
    detector, _, _ = two_crops([])
    before = detector.crop
    detector.aim(replace(CAMERA, pitch_deg=3.0))
    assert detector.crop.top_px < before.top_px - 50


def test_frame_every_none_is_an_error() -> None:
    with pytest.raises(VisionError, match="frame_every = 0; expected 1"):
        two_crops([], frame_every=0)
