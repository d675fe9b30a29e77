"""The bench's yardstick for smoothness measures what it says, and our films are smooth by it."""

import numpy as np
import pytest

from bench.image_to_video import WINDOW, _offset


@pytest.fixture(scope="module")
def texture():
    random = np.random.default_rng(2)
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(WINDOW), np.fft.fftfreq(WINDOW)))
    spectrum = np.fft.fft2(random.normal(0, 1, (WINDOW, WINDOW))) * np.exp(-((frequencies / 0.15) ** 2))
    return spectrum / np.abs(np.fft.ifft2(spectrum)).std() * 30


def shifted(spectrum, x, y):
    rows, columns = np.fft.fftfreq(WINDOW)[:, None], np.fft.fftfreq(WINDOW)[None, :]
    return np.fft.ifft2(spectrum * np.exp(-2j * np.pi * (columns * x + rows * y))).real.astype(np.float32) + 128


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.37, -0.11), (-1.5, 0.75), (0.015, 0.005), (2.2, -3.1)])
def test_offset_is_measured_to_a_hundredth_of_a_pixel(texture, x, y):
    measured = _offset(shifted(texture, x, y), shifted(texture, 0, 0))

    assert measured == pytest.approx((x, y), abs=0.011)
