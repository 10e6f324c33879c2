"""The lead car of a real recording, seen by the network and ranged from its boxes, beside its LiDAR range."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from gyrophare.evaluation.vision.frames import picture
from vehicle_vision.camera import Camera
from vehicle_vision.detectors import open_detector
from vehicle_vision.overlap import iou
from vehicle_vision.ranging import DRIVING, Ranger, Seen

SHARED = Path(__file__).parents[2] / "shared/data"
FOLDER, MODEL = SHARED / "clips/kitti_approach", SHARED / "weights/yolo11n_int8_openvino_model"
CAMERA = Camera(
    frame_wh=(1242, 375),
    fx_px=721.5,
    fy_px=721.5,
    cx_px=609.6,
    cy_px=172.9,
    height_m=1.65,
    pitch_sigma_deg=0.4,
)


def test_lead_is_always_seen_and_its_range_is_not_lost_when_the_picture_cuts_it() -> None:
    """4 to 8 m, of which the picture cuts it below 6 m; a network of eight bits on half the pixels. Bounds."""
    if not FOLDER.is_dir() or not MODEL.is_dir():
        pytest.skip(f"{SHARED} is not there: recordings and weights are development data and no part of the repository")
    detector, ranger = open_detector(MODEL), Ranger(CAMERA, mounting=DRIVING)
    off = []
    for row in list(csv.DictReader((FOLDER / "lead_lidar.csv").read_text().splitlines()))[::2]:
        found = detector.detect(picture(FOLDER / f"image_02/{int(row['frame']):010d}.jpg"))
        lead = np.array([[float(row[name]) for name in ("x1", "y1", "x2", "y2")]])
        overlap = iou(lead, found.xyxy)[0]
        best = int(overlap.argmax())
        assert overlap[best] >= 0.5, row["frame"]
        x1, y1, x2, y2 = found.xyxy[best].tolist()
        seen = Seen(track_id=0, label=found.labels[best], xyxy=(x1, y1, x2, y2))
        estimate = ranger.look(int(row["frame"]) / 10, [seen])[0]
        off.append(estimate.range_m / float(row["lidar_range_m"]) - 1)
    assert np.abs(off).mean() < 0.28
    assert np.abs(off).max() < 0.45
