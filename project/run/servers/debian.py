"""Packages of another Debian release, downloaded without root rights and without touching this machine's apt.

apt itself does the work, in a state folder of its own: it checks the release's signature against Debian's keyring, and
takes the mirrors and proxies that this machine is set up with.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KEYRINGS = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")
_SHARED_KEYRINGS = Path("/usr/share/keyrings")
_KEPT_SETTINGS = ("Acquire::http", "Acquire::https", "Acquire::ForceIPv", "Acquire::Retries")
_WITHIN_SECONDS = 600


class Unfetchable(Exception):
    """Something could not be fetched onto this machine; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """Where this machine's Debian comes from; `security` None if its sources name none."""

    main: str
    security: str | None


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program to its end and return its output. Raises Unfetchable, with the last of that output."""
    try:
        done = subprocess.run(  # noqa: S603  argv comes from code
            argv,
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_WITHIN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unfetchable(f"{argv[0]}: {error}") from error
    if done.returncode != 0:
        raise Unfetchable(f"`{' '.join(argv)}` failed with status {done.returncode}:\n{done.stdout[-2000:].strip()}")
    return done.stdout


def unpack_packages(packages: Sequence[str], *, suite: str, work: Path, root: Path) -> None:
    """Download these packages of a suite into `work` and unpack them into `root`.

    `work` may be removed afterwards. Raises Unfetchable, also on a machine that is not Debian.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unfetchable("apt-get and dpkg are needed, and this machine has none; install the program by other means")
    environment = {**os.environ, "APT_CONFIG": str(_apt_root(work / "apt", suite, _mirrors()))}
    debs = work / "debs"
    debs.mkdir()
    run(("apt-get", "update", "-qq"), env=environment)
    run(("apt-get", "download", "-qq", *packages), env=environment, cwd=debs)
    root.mkdir(parents=True, exist_ok=True)
    for deb in sorted(debs.glob("*.deb")):
        run(("dpkg-deb", "-x", str(deb), str(root)))


def _apt_root(folder: Path, suite: str, mirrors: Mirrors) -> Path:
    """Make a private apt state and return its configuration file."""
    for part in ("etc/preferences.d", "etc/apt.conf.d", "state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    signed = f"[signed-by={_keyring()}]"
    lines = [f"deb {signed} {mirrors.main} {suite} main"]
    if mirrors.security:
        lines.append(f"deb {signed} {mirrors.security} {suite}-security main")
    (folder / "etc/sources.list").write_text("\n".join(lines) + "\n")
    (folder / "status").touch()
    configuration = folder / "apt.conf"
    configuration.write_text("\n".join((*_own_settings(folder), *_kept_settings())) + "\n")
    return configuration


def _own_settings(folder: Path) -> Iterator[str]:
    places = {
        "Dir::Etc": "etc",
        "Dir::Etc::sourcelist": "etc/sources.list",
        "Dir::State": "state",
        "Dir::State::status": "status",
        "Dir::Cache": "cache",
    }
    yield from (f'{name} "{folder / place}";' for name, place in places.items())
    yield 'Dir::Etc::sourceparts "/dev/null";'
    yield 'Dir::Etc::parts "/dev/null";'
    yield 'Acquire::Languages "none";'
    yield 'APT::Sandbox::User "";'  # as root, apt would change to a user who cannot write here


def _kept_settings() -> Iterator[str]:
    """Yield the network settings of this machine's apt, such as a proxy; nothing else of it applies."""
    for line in run(("apt-config", "dump")).splitlines():
        if line.startswith(_KEPT_SETTINGS):
            yield line


def _keyring() -> Path:
    for name in _KEYRINGS:
        if (_SHARED_KEYRINGS / name).is_file():
            return _SHARED_KEYRINGS / name
    raise Unfetchable("Debian's keyring is not on this machine (package debian-archive-keyring)")


def _mirrors() -> Mirrors:
    release = _os_release()
    codename = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or not codename:
        raise Unfetchable(f"this is {release.get('ID', 'no Linux')}, not Debian; install the program's own package")
    known = {suite: address for address, suite in _sources(Path("/etc/apt"))}
    if codename not in known:
        raise Unfetchable(f"the sources of apt name no mirror of {codename}")
    return Mirrors(main=known[codename], security=known.get(f"{codename}-security"))


def _os_release() -> dict[str, str]:
    try:
        text = Path("/etc/os-release").read_text()
    except FileNotFoundError:
        return {}
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in text.splitlines())}


def _sources(apt: Path) -> Iterator[tuple[str, str]]:
    """Yield (address, suite) of every source, in the old one-line and in the new stanza format."""
    for listing in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))):
        if listing.is_file():
            for match in re.finditer(r"^deb\s+(?:\[[^]]*]\s+)?(\S+)\s+(\S+)", listing.read_text(), re.MULTILINE):
                yield match[1], match[2]
    for stanzas in sorted((apt / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", stanzas.read_text()):
            fields = dict(re.findall(r"^(URIs|Suites):[ \t]*(.+)$", stanza, re.MULTILINE))
            for address in fields.get("URIs", "").split():
                for suite in fields.get("Suites", "").split():
                    yield address, suite
