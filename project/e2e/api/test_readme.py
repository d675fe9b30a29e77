"""The README's Python example, run as it stands but for the address and the place of the key."""

import os
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from testkit.stack import Stack

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_example_of_the_readme_makes_a_picture(stack: Stack, tmp_path: Path) -> None:
    found = re.search(r"<!-- tested: example.py -->\n```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    keys = tmp_path / "project" / ".run"
    keys.mkdir(parents=True)
    (keys / "dev.key").write_text(stack.owner.key + "\n")
    program = found[1].replace("http://127.0.0.1:8000", stack.base_url)

    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=os.environ, check=True, timeout=120)  # noqa: S603

    with Image.open(tmp_path / "sunset.png") as picture:
        assert picture.size == (1280, 720)
