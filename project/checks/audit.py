"""`python -m checks.audit PAGE LOCK ...`: known vulnerabilities of what we lock, by pip-audit and npm audit.

Ends with 1 where one is found. Where nobody answers, or not for every package, it says so and ends with 0; with
`--strict`, as CI runs it, with 2: then nothing was proven.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOUND, UNPROVEN = 1, 2
_TIMEOUT_SECONDS = 300
# npm's lesser severities are, nearly all of them, in tools that run at build time on our own files.
_SEVERE = {"high", "critical"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a service knows of a set of packages. `unanswered` says why it is not all that there is to know."""

    of: str
    audited: int = 0
    found: tuple[str, ...] = ()
    unanswered: str | None = None


def of_locks(output: str, said: str) -> Verdict:
    """From what `pip-audit --format json` wrote to its output and beside it."""
    report = _json(output)
    if report is None or "dependencies" not in report:
        return Verdict(of="Python", unanswered=_last_line(said))
    packages: list[dict[str, Any]] = report["dependencies"]  # pip-audit's own shape
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    found = [
        f"{package['name']} {package['version']}: {vulnerability['id']}{_mended(vulnerability['fix_versions'])}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    return Verdict(
        of="Python",
        audited=len(packages) - len(skipped),
        found=tuple(found),
        unanswered=f"nothing is known of {len(skipped)}, such as {skipped[0]}" if skipped else None,
    )


def of_page(output: str, said: str) -> Verdict:
    """From what `npm audit --json` wrote to its output and beside it."""
    report = _json(output)
    if report is None or "vulnerabilities" not in report:
        return Verdict(of="npm", unanswered=_last_line(said) or str((report or {}).get("message", "no answer")))
    vulnerable: dict[str, dict[str, Any]] = report["vulnerabilities"]  # npm's own shape
    found = [f"{name}: {entry['severity']}" for name, entry in vulnerable.items() if entry["severity"] in _SEVERE]
    return Verdict(of="npm", audited=report["metadata"]["dependencies"]["total"], found=tuple(found))


def status(verdicts: Sequence[Verdict], *, strict: bool) -> int:
    """The exit status for these."""
    if any(verdict.found for verdict in verdicts):
        return FOUND
    return UNPROVEN if strict and any(verdict.unanswered for verdict in verdicts) else 0


def told(verdict: Verdict) -> str:
    """In words, for a person."""
    lines = [f"{verdict.of}: {verdict.audited} packages audited, {len(verdict.found)} vulnerabilities."]
    lines += [f"  {one}" for one in verdict.found]
    if verdict.unanswered is not None:
        lines.append(f"  NOT AUDITED, or not all of it: no advisory service answers ({verdict.unanswered}).")
    return "\n".join(lines)


def _audit_locks(locks: Sequence[Path]) -> Verdict:
    chosen = [word for lock in locks for word in ("--requirement", str(lock))]
    # not the index's own service: a mirror of the packages has no advisories, and would seem to know of none
    fixed = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--vulnerability-service", "osv"]
    return of_locks(*_run([sys.executable, "-m", "pip_audit", *fixed, "--format", "json", *chosen]))


def _audit_page(page: Path) -> Verdict:
    npm = shutil.which("npm")
    if npm is None:
        return Verdict(of="npm", unanswered="npm is not on this machine")
    return of_page(*_run([npm, "--prefix", str(page), "audit", "--json"]))


def _run(command: list[str]) -> tuple[str, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return "", f"no answer within {_TIMEOUT_SECONDS} s"
    return done.stdout, done.stderr


def _json(text: str) -> dict[str, Any] | None:  # a report of a tool, in its own shape
    try:
        report = json.loads(text)
    except json.JSONDecodeError:
        return None
    return report if isinstance(report, dict) else None


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and "complete log" not in line]
    return lines[-1].strip()[:200] if lines else ""


def _mended(versions: Sequence[str]) -> str:
    return f" (mended in {', '.join(versions)})" if versions else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.audit", description="Known vulnerabilities of our locks.")
    parser.add_argument("--strict", action="store_true", help="fail where the services do not answer")
    parser.add_argument("page", type=Path, help="the folder of the page's package-lock.json")
    parser.add_argument("locks", type=Path, nargs="+", help="locked requirements")
    arguments = parser.parse_args()
    verdicts = [_audit_locks(arguments.locks), _audit_page(arguments.page)]
    for verdict in verdicts:
        sys.stdout.write(f"{told(verdict)}\n")
    return status(verdicts, strict=arguments.strict)


if __name__ == "__main__":
    sys.exit(main())
