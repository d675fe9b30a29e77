"""The writer of films alone: what it writes depends on its frames and on nothing else."""

import hashlib
import os
import subprocess
import sys

FILM = """
import sys, cv2, numpy as np
from pathlib import Path
from worker.models.film.encode import FilmWriter
from worker.models.film.geometry import Size
from worker.models.film.planes import surfaces

random = np.random.default_rng(0)
texture = cv2.GaussianBlur(random.normal(128, 400, (320, 320)).astype(np.float32), (0, 0), 4).clip(0, 255)
with FilmWriter(Path(sys.argv[1]), size=Size(320, 320), fps=24, threads=2) as film:
    for index in range(24):
        frame = film.blank()
        luma, chroma = surfaces(frame)
        luma[:], chroma[:] = np.roll(texture, (index, 2 * index), (0, 1)), 120
        film.add(frame)
"""


def film_in(path, *, memory):
    """The digest of a film made by a process whose fresh memory is filled with that byte (by glibc alone)."""
    environment = os.environ | {"MALLOC_PERTURB_": str(memory)}
    subprocess.run([sys.executable, "-c", FILM, str(path)], check=True, timeout=120, env=environment)  # noqa: S603 - our own
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_film_does_not_depend_on_what_was_in_memory_before(tmp_path):
    """Left to itself, x264 reads unwritten memory on processors with AVX-512: one input then gives several films."""
    digests = {film_in(tmp_path / f"{memory}.mp4", memory=memory) for memory in (1, 85, 170)}

    assert len(digests) == 1
