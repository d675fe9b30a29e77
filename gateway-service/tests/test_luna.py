"""The modelling paths of Luna: series filtered and questionnaires scored in the request itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

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
    save = {"results": SERIES, "save": True, "unique_identifier": "x"}
    assert expect(403, free.http.post("/api/v1/luna-free/kalman", json=save)).keys() == {"detail"}
    assert expect(200, free.http.get("/v1/series"))["items"] == []
    assert kalman(nobody, "owner", SERIES, 401).keys() == {"detail"}


def test_health_needs_no_key(nobody: Caller):
    assert expect(200, nobody.http.get("/api/v1/health")) == {"status": "healthy"}
    assert expect(200, nobody.http.get("/api/v1/health/db")) == {"status": "healthy", "database": "connected"}


class TestSaved:
    """`save` and `unique_identifier`: a series that grows with each request."""

    @pytest.fixture
    def name(self, request: pytest.FixtureRequest) -> str:
        return f"patient {request.node.name}"

    def saved(self, caller: Caller, name: str, results: object, status: int = 200, **headers: str) -> Json:
        body = {"results": results, "save": True, "unique_identifier": name}
        path = f"/api/v1/{expect(200, caller.http.get('/v1/account'))['id']}/kalman"
        return expect(status, caller.http.post(path, json=body, headers=headers))

    def points(self, caller: Caller, name: str) -> list[object] | None:
        """What is saved under the name; None where nothing is."""
        found = [one for one in expect(200, caller.http.get("/v1/series"))["items"] if one["name"] == name]
        return expect(200, caller.http.get(found[0]["urls"]["export"]))["values"] if found else None

    def test_the_whole_of_it_is_filtered_again(self, owner: Caller, account: str, name: str):
        first = self.saved(owner, name, SERIES[:3])
        second = self.saved(owner, name, SERIES[3:])

        assert first["input_data"] == SERIES[:3]
        assert second == kalman(owner, account, SERIES)
        assert self.points(owner, name) == SERIES

    def test_several_lists_grow_side_by_side(self, owner: Caller, account: str, name: str):
        other = [1.0, None, 3.0, 2.0, 2.5]
        self.saved(owner, name, [SERIES[:2], other[:2]])

        answer = self.saved(owner, name, [SERIES[2:], other[2:]])

        assert answer == kalman(owner, account, [SERIES, other])

    def test_accounts_have_series_of_their_own(self, owner: Caller, stranger: Caller, name: str):
        self.saved(owner, name, SERIES)

        assert self.saved(stranger, name, [1.0, 2.0])["input_data"] == [1.0, 2.0]

    def test_the_same_request_adds_once(self, owner: Caller, name: str):
        answers = [self.saved(owner, name, SERIES, **{"Idempotency-Key": name}) for _ in range(3)]

        assert answers[0] == answers[1] == answers[2]
        assert self.points(owner, name) == SERIES
        other = self.saved(owner, name, [1.0], 422, **{"Idempotency-Key": name})
        assert "another body" in other["detail"] or other["detail"][0]["type"] == "used_for_another_body"

    def test_many_at_once_are_all_there(self, owner: Caller, name: str):
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda n: self.saved(owner, name, [float(n), n + 0.5]), range(8)))

        values = self.points(owner, name)
        assert sorted(values or []) == [step / 2 for step in range(16)]
        assert any(answer["input_data"] == values for answer in answers)
        assert all(answer["input_data"] == (values or [])[: len(answer["input_data"])] for answer in answers)

    def test_without_save_nothing_is_kept(self, owner: Caller, account: str, name: str):
        body = {"results": SERIES, "unique_identifier": name}

        answer = expect(200, owner.http.post(f"/api/v1/{account}/kalman", json=body))

        assert answer["input_data"] == SERIES
        assert self.points(owner, name) is None

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"unique_identifier": None}, "unique_identifier"),
            ({"unique_identifier": ""}, "unique_identifier"),
            ({"results": []}, "results"),
            ({"results": [1e300]}, "results"),
            ({"results": [[1.0, 2.0], [1.0, 2.0]]}, "results"),
            ({"save": "yes"}, "save"),
        ],
    )
    def test_what_cannot_be_added_is_named_and_nothing_is_added(
        self, owner: Caller, account: str, name: str, change: Json, field: str
    ):
        self.saved(owner, name, SERIES)
        body = {"results": [1.0], "save": True, "unique_identifier": name} | change

        answer = expect(422, owner.http.post(f"/api/v1/{account}/kalman", json=body))

        assert answer["detail"][0]["loc"][:2] == ["body", field]
        assert self.points(owner, name) == SERIES

    def test_if_only_filtering_fails_the_client_is_told_what_is_saved(self, owner: Caller, name: str):
        answer = self.saved(owner, name, [None, None], 502)

        assert "The points are saved" in answer["detail"]
        assert self.points(owner, name) == [None, None]
        assert self.saved(owner, name, SERIES)["input_data"] == [None, None, *SERIES]


@pytest.fixture
def unattended(stack: Stack, almighty: Caller) -> Iterator[None]:
    """No worker takes jobs."""
    workers = [worker["id"] for worker in expect(200, almighty.http.get("/v1/admin/workers"))["items"]]
    for worker in workers:
        expect(200, almighty.http.post(f"/v1/admin/workers/{worker}/drain"))
    until(lambda: not expect(200, almighty.http.get("/v1/models/builtin/kalman"))["available"])
    yield
    for worker in workers:
        expect(200, almighty.http.post(f"/v1/admin/workers/{worker}/undrain"))
    until(lambda: expect(200, almighty.http.get("/v1/models/builtin/kalman"))["available"])


@pytest.mark.usefixtures("unattended")
def test_short_work_needs_no_worker(stack: Stack):
    caller = stack.caller("lonely")

    kalman(caller, "lonely", SERIES)
    expect(200, caller.http.post("/api/v1/lonely/panas", json={"results": ANSWERS}))

    jobs = [caller.job(job["id"]) for job in expect(200, caller.http.get("/v1/jobs"))["items"]]
    assert [job["attempts"][0]["worker"].partition(":")[0] for job in jobs] == ["gateway"] * 2
