"""Two looks at each frame: the whole of it scaled down for what is near, a strip in native resolution for 100 m."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import Boxes, Mask
from vehicle_vision.camera import Camera
from vehicle_vision.detectors.detections import NOTHING, Detections, Detector, Image, expect_image, joined
from vehicle_vision.detectors.strip import Crop, horizon_strip
from vehicle_vision.errors import VisionError
from vehicle_vision.overlap import Shares, inside, iou

_SAME_IOU = 0.45  # of two boxes of one vehicle, one of which is drawn on few pixels
_PART = 0.8  # of what a crop's edge left of a vehicle lies in its whole box
_EDGE_PX, _EDGE = 3.0, 0.04  # how near a box comes to the edge that cuts it, the latter of its size


class TwoCrops:
    """A detector made of two. With `frame_every` n, the whole frame is looked at in every n-th frame.

    And in each in which the strip's edge cuts a vehicle: what is so near is never judged by a part of it.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        frame: Detector,
        strip: Detector,
        strip_width_px: int = 960,
        frame_every: int = 1,
    ) -> None:
        if frame_every < 1:
            raise VisionError(f"frame_every = {frame_every}; expected 1 (each frame) or more")
        self._frame, self._strip = frame, strip
        self._strip_width_px, self._frame_every = strip_width_px, frame_every
        self._number = 0
        self.aim(camera)

    def aim(self, camera: Camera) -> None:
        """Lay the strip where this camera's horizon is; again when it was found to have moved."""
        self.crop = horizon_strip(camera, self._strip_width_px)
        self._frame_wh = camera.frame_wh

    def detect(self, image: Image) -> Detections:
        """All vehicles of both looks, each once, in pixels of the frame."""
        if (frame_wh := expect_image(image)) != self._frame_wh:
            raise VisionError(
                f"a frame of {frame_wh[0]}x{frame_wh[1]}; the camera is described for {self._frame_wh[0]}x"
                f"{self._frame_wh[1]}. Set its resolution back, or calibrate again."
            )
        far = self._strip.detect(self.crop.of(image)).shifted(self.crop.left_px, self.crop.top_px)
        far = replace(far, whole=far.whole & ~_cut(far.xyxy, self.crop, frame_wh))
        due = self._number % self._frame_every == 0
        self._number += 1
        near = self._frame.detect(image) if due or not far.whole.all() else NOTHING
        return merged(near, far, self.crop)

    def scale(self, frame_wh: tuple[int, int]) -> float:
        """Pixels of the network's input for one of the frame, in the strip."""
        return max(self._strip.scale((self.crop.width_px, self.crop.height_px)), self._frame.scale(frame_wh))


def merged(near: Detections, far: Detections, crop: Crop) -> Detections:
    """What the whole frame and the crop show, each vehicle once, as the look saw it that had all of it.

    Of what both have all of, the crop's box stays, which was drawn on more pixels; with the surer one's label, for the
    classes of a small network mean little. All boxes in pixels of the frame.
    """
    seen = crop.clip(near.xyxy)
    overlap = iou(far.xyxy, seen)
    same = (overlap >= _SAME_IOU) | (~far.whole[:, None] & (inside(far.xyxy, seen) >= _PART))
    beyond: Mask = np.any(np.abs(near.xyxy - seen) > _margin(near.xyxy), axis=1)
    near_wins: Mask = np.any(same & (beyond | ~far.whole[:, None]), axis=1)
    far_wins: Mask = np.any(same & ~near_wins[:, None], axis=0)
    return joined(
        _surest(far, near, np.where(same, overlap, 0.0)).take(~near_wins),
        _surest(near, far, np.where(same, overlap, 0.0).T).take(~far_wins),
    )


def _surest(ones: Detections, others: Detections, overlap: Shares) -> Detections:
    """The ones, each with the label and the confidence of the surest of the others that is its; shape (n, m).

    Each of the others is the one's that it overlaps most, lest it make a doubtful neighbour sure.
    """
    if not len(ones) or not len(others):
        return ones
    its = (overlap > 0) & (overlap == overlap.max(axis=0))
    scores = np.where(its, others.confidence, 0.0)
    best, score = scores.argmax(axis=1), scores.max(axis=1)
    surer = score > ones.confidence
    labels = tuple(
        others.labels[number] if is_surer else label
        for label, number, is_surer in zip(ones.labels, best, surer, strict=True)
    )
    return replace(ones, confidence=np.maximum(ones.confidence, score), labels=labels)


def _cut(boxes: Boxes, crop: Crop, frame_wh: tuple[int, int]) -> Mask:
    """Which end at an edge of the crop that is none of the frame; shape (n,)."""
    left, top, right, bottom = crop.xyxy
    free = np.array((left > 0, top > 0, right < frame_wh[0], bottom < frame_wh[1]))
    near = np.abs(boxes - np.array(crop.xyxy)) <= _margin(boxes)
    return np.asarray((near & free).any(axis=1))


def _margin(boxes: Boxes) -> NDArray[np.float64]:
    """How far a box's edge may be off the vehicle's, pixels, shape (n, 1)."""
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    return np.asarray(np.maximum(_EDGE_PX, _EDGE * size))
