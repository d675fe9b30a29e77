"""The audit of dependencies: what is found fails, and silence is not taken for innocence."""

import json

import pytest

from checks.audit import FOUND, UNPROVEN, Verdict, of_locks, of_page, status, told

CLEAN = {"name": "anyio", "version": "4.16.0", "vulns": []}
PLANTED = {
    "name": "starlette",
    "version": "0.40.0",
    "vulns": [{"id": "PYSEC-2025-1", "fix_versions": ["0.49.1"], "aliases": ["CVE-2025-62727"], "description": ""}],
}
SKIPPED = {"name": "pika", "skip_reason": "Dependency not found and could not be audited"}


def locks(*packages: dict[str, object]) -> Verdict:
    return of_locks(json.dumps({"dependencies": packages, "fixes": []}), "")


def page(**severities: str) -> Verdict:
    vulnerable = {name: {"severity": severity} for name, severity in severities.items()}
    return of_page(json.dumps({"vulnerabilities": vulnerable, "metadata": {"dependencies": {"total": 300}}}), "")


def test_a_planted_vulnerable_pin_is_found_and_told():
    verdict = locks(CLEAN, PLANTED)

    assert verdict.found == ("starlette 0.40.0: PYSEC-2025-1 (mended in 0.49.1)",)
    assert verdict.found[0] in told(verdict)


def test_of_the_page_the_severe_ones_are_found():
    assert page(vite="high", ajv="moderate", qs="critical").found == ("vite: high", "qs: critical")


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (locks(CLEAN, SKIPPED), "pika"),
        (of_locks("", "Traceback …\nConnectionError: nobody there\n"), "nobody there"),
        (of_page('{"message": "405 Method Not Allowed"}', ""), "405"),
        (of_page("", "npm error audit endpoint returned an error\nnpm error A complete log of this"), "endpoint"),
    ],
)
def test_what_nobody_answered_is_said_and_proves_nothing(verdict: Verdict, reason: str):
    assert verdict.unanswered is not None
    assert reason in verdict.unanswered
    assert "NOT AUDITED" in told(verdict)


UNANSWERED = Verdict(of="npm", unanswered="nobody there")


@pytest.mark.parametrize(
    ("verdicts", "strict", "expected"),
    [
        ([locks(CLEAN), page()], True, 0),
        ([locks(PLANTED), page()], False, FOUND),
        ([locks(CLEAN), page(vite="high")], False, FOUND),
        ([locks(CLEAN), UNANSWERED], False, 0),
        ([locks(CLEAN), UNANSWERED], True, UNPROVEN),
        ([locks(PLANTED), UNANSWERED], True, FOUND),
    ],
)
def test_only_what_was_answered_counts_as_clean_where_it_matters(verdicts: list[Verdict], strict: bool, expected: int):
    assert status(verdicts, strict=strict) == expected
