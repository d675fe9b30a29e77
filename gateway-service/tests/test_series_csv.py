"""Points as CSV: what one series' export says another takes, byte for byte; or nothing of it, and the cell is named."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

UNKNOWN = f"ser_{'0' * 26}"
SINGLE = b"value\n1.5\n\n-0.0\n1e-07\n1e+100\n0.1\n\n"
PAIRS = b"value_0,value_1\n1.5,\n,-1e-07\n,\n0.1,3.0\n"
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def series(owner: Caller, request: pytest.FixtureRequest) -> Json:
    """A series with two points of two values."""
    body = {"name": f"{request.node.name[:150]}, as CSV", "observables": 2, "values": [[1.0, None], [2.0, 3.0]]}
    return expect(201, owner.http.post("/v1/series", json=body))


def create(caller: Caller, name: str, content: bytes, content_type: str = "text/csv") -> httpx.Response:
    headers = {"Content-Type": content_type}
    return caller.http.post("/v1/series", params={"name": name}, content=content, headers=headers)


def add(caller: Caller, series: Json, content: bytes, **headers: str) -> httpx.Response:
    return caller.http.post(series["urls"]["points"], content=content, headers=CSV | headers)


def exported(caller: Caller, series: Json) -> bytes:
    answer = caller.http.get(series["urls"]["export"], params={"format": "csv"})
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize(("content", "length", "observables"), [(SINGLE, 7, 1), (PAIRS, 4, 2), (b"value\n", 0, 1)])
def test_what_one_series_exports_another_takes_and_exports_the_same(
    stack: Stack, content: bytes, length: int, observables: int
):
    caller = stack.caller(f"series in and out {length}")
    first = expect(201, create(caller, "first", content))
    empty = expect(201, caller.http.post("/v1/series", json={"name": "empty", "observables": observables}))

    second = expect(200, add(caller, empty, exported(caller, first)))

    assert (first["length"], first["observables"]) == (second["length"], observables) == (length, observables)
    assert exported(caller, first) == exported(caller, second) == content
    assert caller.http.get(first["urls"]["self"]).json() == first


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\xef\xbb\xbf" + PAIRS, "text/csv; charset=utf-8"),
        (PAIRS.replace(b"\n", b"\r\n"), "TEXT/CSV; header=present"),
        (b'"value_0","value_1"\n"1.5",\n, -1e-07 \n,\n.1,+3', 'text/csv;charset="UTF-8"'),
    ],
    ids=["byte order mark", "CRLF", "quotes and blanks"],
)
def test_csv_as_other_programs_write_it_is_taken(stack: Stack, content: bytes, content_type: str):
    caller = stack.caller(f"series of others {content_type}")

    made = expect(201, create(caller, "others", content, content_type))

    assert exported(caller, made) == PAIRS


def test_a_new_series_whose_columns_are_not_separated_by_commas_is_told_its_whole_header(owner: Caller):
    problem = expect(422, create(owner, "semicolons", b"value_0;value_1;value_2\n1;2;3\n"))

    assert "'value_0,value_1,value_2'" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"", "header", "value_0,value_1"),
        (b"", "header", "it is empty"),
        (b"\n1,2\n", "header", "value_0,value_1"),
        (b"1,2\n3,4\n", "header", "value_0,value_1"),
        (b"a,b\n1,2\n", "header", "value_0,value_1"),
        (b"value\n1\n", "header", "value_0,value_1"),
        (b"value_1,value_0\n1,2\n", "header", "value_0,value_1"),
        (b"value_0;value_1\n1;2\n", "header", "comma"),
        (b"value_0,value_1\n1;2\n", "rows/2", "comma"),
        (b"value_0,value_1\n1,2\n3\n", "rows/3", "has 1: a point of this series has 2 values; leave a cell empty"),
        (b'"value_0,value_1"\n1,2\n', "header", "'\"value_0,value_1\"'"),
        (b",\n1,2\n", "header", "it is ','"),
        (b"value_0,value_1\n1,2\n\n3,4\n", "rows/3", "2 values"),
        (b"value_0,value_1\n1,2,3\n", "rows/2", "2 values"),
        (b"value_0,value_1\n1,5,2,5\n", "rows/2", "with a point"),
        (b"value_0,value_1\n1,2\n3,four\n", "rows/3/value_1", "'four'"),
        (b"value_0,value_1\n1,NaN\n", "rows/2/value_1", "empty"),
        (b"value_0,value_1\n-inf,2\n", "rows/2/value_0", "finite"),
        (b"value_0,value_1\n1,1e101\n", "rows/2/value_1", "1e+100"),
        (b"value_0,value_1\n1,1e999\n", "rows/2/value_1", "finite"),
        (b"value_0,value_1\n1_000,2\n", "rows/2/value_0", "'1_000'"),
        ("value_0,value_1\n1,٣\n".encode(), "rows/2/value_1", "no number"),
        (b'value_0,value_1\n"1,2\n3",4\n', "rows/2", "line"),
        (b"value_0,value_1\n" + b"1" * 70_000 + b",2\n", "rows/2", "line"),
        ("value_0,value_1\n1,2\n".encode("utf-16"), "charset", "UTF-8"),
        (b"value_0,value_1\n1,2\n3,\xe4\n", "charset", "UTF-8"),
        (b"value_0,value_1\n1,\x002\n", "rows/2/value_1", "number"),
    ],
)
def test_what_cannot_be_taken_names_row_and_column_and_nothing_is_added(
    owner: Caller, series: Json, content: bytes, place: str, words: str
):
    before = exported(owner, series)

    problem = expect(422, add(owner, series, content))

    (error,) = problem["errors"]
    assert error["pointer"] == f"#/{place}"
    assert words in error["detail"]
    assert exported(owner, series) == before


def test_a_fault_in_the_last_row_of_a_long_file_leaves_nothing_of_it(owner: Caller, series: Json):
    before = exported(owner, series)
    content = b"value_0,value_1\n" + b"1.0,2.0\n" * 60_000 + b"1.0,two\n"

    problem = expect(422, add(owner, series, content))

    assert problem["errors"][0]["pointer"] == "#/rows/60002/value_1"
    assert exported(owner, series) == before
    refused = create(owner, "broken at its end", content)
    assert expect(422, refused)["errors"][0]["pointer"] == "#/rows/60002/value_1"
    expect(201, owner.http.post("/v1/series", json={"name": "broken at its end"}))


def test_a_million_numbers_come_in_one_request_and_others_are_answered_meanwhile(stack: Stack):
    caller = stack.caller("a million numbers")
    numbers = random.Random(7)  # noqa: S311  (any numbers)
    points = [[repr(numbers.gauss(0, 1)) if numbers.random() < 0.9 else "" for _ in range(4)] for _ in range(2_500)]
    content = "value_0,value_1,value_2,value_3\n" + "".join(f"{','.join(point)}\n" for point in points) * 100

    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(create, caller, "long", content.encode())
        served = 0
        while not making.done():
            assert caller.http.get("/v1/series").status_code == 200
            served += not making.done()
        made = expect(201, making.result())

    assert (made["length"], made["observables"]) == (250_000, 4)
    assert served > 0
    assert exported(caller, made).decode() == content


def test_many_at_once_come_one_behind_the_other_and_none_is_torn_apart(stack: Stack):
    caller, rows = stack.caller("series at once"), 25_000
    made = expect(201, caller.http.post("/v1/series", json={"name": "x"}))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: add(caller, made, b"value\n" + b"%d\n" % n * rows), range(4)))

    values = exported(caller, made).split()[1:]
    runs = [values[at : at + rows] for at in range(0, len(values), rows)]
    assert sorted(expect(200, answer)["length"] for answer in answers) == [rows * n for n in range(1, 5)]
    assert all(len(set(run)) == 1 for run in runs)
    assert len({run[0] for run in runs}) == 4


def test_the_same_request_adds_once(owner: Caller, series: Json):
    content = b"value_0,value_1\n" + b"1.0,2.0\n" * 15_000
    answers = [add(owner, series, content, **{"Idempotency-Key": "rows"}) for _ in range(2)]
    other = add(owner, series, PAIRS, **{"Idempotency-Key": "rows"})

    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true"]
    assert expect(422, other)["code"] == "idempotency_key_mismatch"
    assert expect(200, owner.http.get(series["urls"]["self"]))["length"] == 15_002


def test_a_series_gets_no_longer_than_a_job_takes(owner: Caller):
    header = ",".join(f"value_{number}" for number in range(64)).encode() + b"\n"
    point = b",".join([b"1.0"] * 64) + b"\n"
    made = expect(201, create(owner, "full", header + point))

    full = add(owner, made, header + point * 31_250)
    long = add(owner, made, header + point * 31_251)

    assert expect(422, full)["errors"][0]["code"] == "series_full"
    assert expect(422, long)["errors"][0]["pointer"] == "#/rows/31252"
    assert exported(owner, made) == header + point


def test_a_body_larger_than_is_said_is_refused_before_it_is_sent(stack: Stack, series: Json):
    connection = HTTPConnection(urlsplit(stack.base_url).netloc)
    headers = CSV | {"X-API-Key": stack.owner.key or "", "Content-Length": str(64 * 1024 * 1024 + 1)}

    with closing(connection):
        connection.putrequest("POST", series["urls"]["points"])
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()

        assert answer.status == 413
        assert "points as CSV at most 64 MiB" in json.loads(answer.read())["hint"]


def test_foreign_series_take_nothing_and_what_is_no_name_is_refused(
    stack: Stack, owner: Caller, stranger: Caller, series: Json
):
    for name in (series["id"], UNKNOWN):
        answer = stranger.http.post(f"/v1/series/{name}/points", content=PAIRS, headers=CSV)
        assert expect(404, answer)["code"] == "series_not_found"
    nameless = owner.http.post("/v1/series", content=PAIRS, headers=CSV)

    assert expect(400, nameless)["errors"][0]["pointer"] == "?name"
    assert expect(400, create(owner, "", PAIRS))["errors"][0]["pointer"] == "?name"
    problem = expect(409, create(owner, series["name"], PAIRS))
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("series_exists", "?name")
    assert expect(415, create(owner, "latin", PAIRS, "text/csv; charset=latin-1"))["errors"][0]["code"] == "not_utf8"
    packed = add(owner, series, PAIRS, **{"Content-Encoding": "gzip"})
    assert expect(415, packed)["errors"][0]["code"] == "packed"
    expect(401, httpx.post(f"{stack.base_url}/v1/series?name=x", content=PAIRS, headers=CSV, trust_env=False))
    assert expect(200, owner.http.get(series["urls"]["self"]))["length"] == 2


def test_a_table_that_is_said_to_be_something_else_is_told_what_both_forms_are_called(owner: Caller):
    refused = expect(415, create(owner, "unsaid", PAIRS, "text/plain"))

    assert refused["hint"] == "Send it as 'Content-Type: application/json' or 'Content-Type: text/csv', in UTF-8."
