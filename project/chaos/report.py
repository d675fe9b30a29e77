"""The tables of a run: what was done, what was found, and how it can be done again."""

import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bench.tables import Table
from chaos.checker import Finding, given_up
from chaos.history import Document, History
from chaos.plan import Kind, Plan

SHOWN = 5  # violations of one kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run that is over. `quiet_at`: when the last fault was over."""

    plan: Plan
    history: History
    findings: Sequence[Finding]
    inflicted: dict[Kind, int]
    fallen: int
    storm_seconds: float
    quiet_at: datetime
    slots: int

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return not any(finding.violations for finding in self.findings)

    @property
    def drain_seconds(self) -> float:
        """From the last fault to the end of the last job."""
        ends = [job["completed_at"] for job in self.history.jobs if job["completed_at"]]
        drained: timedelta = max(ends, default=self.quiet_at) - self.quiet_at
        return max(0.0, drained.total_seconds())

    @property
    def drain_use(self) -> float:
        """How much of all slots was in use meanwhile."""
        attempts = [attempt for job in self.history.jobs for attempt in job["attempts"] if attempt["ended_at"]]
        held = [(each["ended_at"] - max(each["started_at"], self.quiet_at)).total_seconds() for each in attempts]
        used: float = sum(max(0.0, each) for each in held)
        return used / (self.slots * self.drain_seconds or 1.0)

    def markdown(self) -> str:
        """The whole report."""
        verdict = "Every promise held." if self.held else "PROMISES WERE BROKEN, see below."
        again = f"make -C project chaos SEED={self.plan.seed} JOBS={len(self.plan.jobs) + len(self.plan.points)}"
        head = (
            f"# Under fire\n\nSeed {self.plan.seed}, commit {commit()}, Python {platform.python_version()}. "
            f"{verdict} The same plan again: `{again}`; what is checked and how: docs/chaos.md.\n\n"
        )
        return (
            head + "\n".join(table.markdown() for table in (self._found(), self._done(), self._load())) + self._told()
        )

    def _found(self) -> Table:
        rows = [[finding.promise, str(len(finding.violations))] for finding in self.findings]
        note = "From the answers that clients got, the models' own record, the change stream, MongoDB and S3."
        return Table(title="Found", note=note, columns=["must not be", "found"], rows=rows)

    def _done(self) -> Table:
        planned = {kind: sum(fault.kind is kind for fault in self.plan.faults) for kind in Kind}
        rows = [[kind.value, str(planned[kind]), str(self.inflicted.get(kind, 0))] for kind in Kind]
        rows.append(["workers that ended while they started, and were started again", "-", str(self.fallen)])
        note = (
            f"In {self.storm_seconds:.0f} s, with leases of {self.plan.lease_seconds:g} s. "
            f"{self.drain_seconds:.0f} s after the last fault the last job had ended; until then "
            f"{self.drain_use:.0%} of the {self.slots} slots were in use."
        )
        return Table(title="Inflicted", note=note, columns=["fault", "planned", "inflicted"], rows=rows)

    def _load(self) -> Table:
        jobs, history = self.history.jobs, self.history
        statuses = [job["status"] for job in jobs]
        attempts = [job["attempt"] for job in jobs]
        outcomes = [attempt["outcome"] for job in jobs for attempt in job["attempts"]]
        ran = [count for count in attempts if count]
        rows = [
            ["jobs submitted by clients", str(len(history.submissions))],
            ["requests that got no answer, and were sent again", str(sum(s.unanswered for s in history.submissions))],
            ["jobs there are (more than one for a key: no Idempotency-Key yet)", str(len(jobs))],
            *([f"... {status}", str(statuses.count(status))] for status in sorted(set(statuses))),
            ["... of these failed since each of their workers was killed", str(sum(map(_was_given_up, jobs)))],
            ["... that took a place of the quota which was set aside", str(sum(map(_took_a_place, jobs)))],
            ["cancels answered", str(len(history.cancels))],
            ["... before the job had started", str(sum(c.attempt == 0 for c in history.cancels))],
            ["attempts of a job that ran: mean, most", f"{statistics.mean(ran or [0]):.2f}, {max(ran or [0])}"],
            ["attempts that lost their worker", str(outcomes.count("lost"))],
            ["attempts that failed for storage, and do not count", str(sum(map(_excused, jobs)))],
            ["runs begun, by the models' own record", str(len(history.runs))],
            ["changes of status on record", str(len(history.changes))],
        ]
        if history.once:
            rows[2][0] = "jobs there are"
        note = f"{len(self.plan.accounts)} accounts of three tiers."
        return Table(title="Load", note=note, columns=["", "count"], rows=rows)

    def _told(self) -> str:
        broken = [finding for finding in self.findings if finding.violations]
        lines = [f"- {finding.promise}: {each}" for finding in broken for each in finding.violations[:SHOWN]]
        return "\n" + "\n".join(["## Broken", "", *lines]) + "\n" if lines else ""


def commit() -> str:
    """The commit that is checked out, `+` where something is not committed; `unknown` outside of git."""
    here = Path(__file__).parent
    try:
        head = _git(here, "rev-parse", "--short", "HEAD")
        return head + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _took_a_place(job: Document) -> bool:
    return bool(job["bill"]) and job["bill"]["place"] is not None


def _was_given_up(job: Document) -> bool:
    return job["status"] == "failed" and given_up(job)


def _excused(job: Document) -> int:
    return sum(1 for each in job["attempts"] if (each["error"] or {}).get("code") == "storage_unavailable")
