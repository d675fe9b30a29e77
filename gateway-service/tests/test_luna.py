"""The modelling paths of Luna: series filtered and questionnaires scored in the request itself."""

import pytest

from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

SERIES = [10.2, 10.5, 10.1, 9.8, 10.3]
ANSWERS = [3, 1, 4, 1, 4, 1, 1, 1, 4, 3, 2, 4, 1, 4, 2, 4, 4, 2, 4, 1]


@pytest.fixture(scope="module")
def account(owner: Caller) -> str:
    return str(expect(200, owner.http.get("/v1/account"))["id"])


def kalman(caller: Caller, account: str, results: object, status: int = 200) -> Json:
    return expect(status, caller.http.post(f"/api/v1/{account}/kalman", json={"results": results}))


def test_a_flat_list_is_answered_as_the_specification_has_it(owner: Caller, account: str):
    answer = kalman(owner, account, SERIES)

    assert answer.keys() == {"processed_results", "input_data"}
    assert answer["input_data"] == SERIES
    assert len(answer["processed_results"]) == len(SERIES)
    assert all(min(SERIES) <= value <= max(SERIES) for value in answer["processed_results"])


def test_a_list_of_lists_is_answered_as_the_code_had_it(owner: Caller, account: str):
    answer = kalman(owner, account, [SERIES])

    assert answer.keys() == {"filtered_data", "raw_state", "smooth_state", "input_data"}
    assert answer["input_data"] == [SERIES]
    assert answer["filtered_data"] == kalman(owner, account, SERIES)["processed_results"]
    assert [len(answer[name]) for name in ("raw_state", "smooth_state")] == [5, 5]


def test_several_series_have_a_list_each(owner: Caller, account: str):
    answer = kalman(owner, account, [SERIES, [1.0, None, 3.0, 2.0, 2.5]])

    assert [len(one) for one in answer["filtered_data"]] == [5, 5]
    assert answer["filtered_data"][0] == pytest.approx(kalman(owner, account, [SERIES])["filtered_data"])
    assert all(value is not None for value in answer["smooth_state"][1])


def test_twenty_eight_observables_are_filtered_at_once(owner: Caller, account: str):
    answer = kalman(owner, account, [[float(n + step % 3) for step in range(4)] for n in range(28)])

    assert len(answer["filtered_data"]) == 28


def test_an_account_is_known_by_its_name_too(owner: Caller):
    assert kalman(owner, "owner", SERIES)["input_data"] == SERIES


def test_somebody_elses_account_is_like_one_that_is_not_there(stranger: Caller, account: str):
    foreign = kalman(stranger, account, SERIES, 404)

    assert foreign == kalman(stranger, "acct_" + "0" * 26, SERIES, 404) == {"detail": "Account not found."}


@pytest.mark.parametrize("results", [[], [[]], ["a"], "1,2", [[1.0], [1.0, 2.0]], [[1.0], 2.0], [1e400], None])
def test_what_is_no_series_is_named_as_fastapi_does(owner: Caller, account: str, stack: Stack, results: object):
    before = stack.stored().jobs
    body = '{"results": [1e400]}' if results == [1e400] else None

    answer = owner.http.post(
        f"/api/v1/{account}/kalman",
        **(
            {"content": body, "headers": {"Content-Type": "application/json"}}
            if body
            else {"json": {"results": results}}
        ),
    )

    assert answer.status_code in {400, 422}
    assert answer.json().keys() == {"detail"}
    assert stack.stored().jobs == before


def test_the_scores_of_a_questionnaire(owner: Caller, account: str):
    scores = expect(200, owner.http.post(f"/api/v1/{account}/panas", json={"results": ANSWERS}))

    assert scores.keys() == {"positive_affect", "negative_affect"}
    assert sum(scores.values()) == sum(ANSWERS)


@pytest.mark.parametrize("results", [ANSWERS[:19], [*ANSWERS[:19], 6], [*ANSWERS[:19], 1.5], []])
def test_a_questionnaire_that_is_not_filled_in_is_refused(owner: Caller, account: str, results: list[float]):
    answer = expect(422, owner.http.post(f"/api/v1/{account}/panas", json={"results": results}))

    assert answer["detail"][0]["loc"][:2] == ["body", "results"]


def test_a_plan_without_jobs_and_a_missing_key_are_refused(stack: Stack, nobody: Caller):
    free = stack.caller("luna-free", tier=Tier.FREE)

    assert kalman(free, "luna-free", SERIES, 403).keys() == {"detail"}
    assert kalman(nobody, "owner", SERIES, 401).keys() == {"detail"}


def test_health_needs_no_key(nobody: Caller):
    assert expect(200, nobody.http.get("/api/v1/health")) == {"status": "healthy"}
    assert expect(200, nobody.http.get("/api/v1/health/db")) == {"status": "healthy", "database": "connected"}
