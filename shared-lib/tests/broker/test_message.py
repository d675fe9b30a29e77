"""The two messages: a ticket is what Celery itself would send, a notice survives the way and nothing else does."""

import json
import math
from typing import Any

import pytest
from celery import Celery

from reelwork.broker.base import Notice
from reelwork.broker.message import NotANotice, decode_notice, encode_notice, ticket_message
from reelwork.broker.topology import TASK_NAME
from reelwork.domain.ids import AccountId, JobId


def notice(**data: Any) -> Notice:
    return Notice(kind="progress", account_id=AccountId("acct_a"), job_id=JobId("job_1"), data=data)


def test_a_ticket_is_the_message_that_celery_would_send() -> None:
    ticket = ticket_message("cpu")
    celery_s = Celery(set_as_current=False).amqp.as_task_v2(
        ticket.correlation_id, TASK_NAME, kwargs={"pool": "cpu"}, ignore_result=True
    )

    assert ticket.correlation_id == celery_s.properties["correlation_id"]
    assert json.loads(ticket.body) == json.loads(json.dumps(celery_s.body))
    assert dict(ticket.headers) == {name: celery_s.headers[name] for name in ticket.headers}


def test_what_a_ticket_leaves_out_is_empty_at_celery_s_or_only_for_show() -> None:
    ticket = ticket_message("cpu")
    celery_s = Celery(set_as_current=False).amqp.as_task_v2(ticket.correlation_id, TASK_NAME, kwargs={"pool": "cpu"})
    for_show = {"origin", "argsrepr", "kwargsrepr"}

    left_out = {name: value for name, value in celery_s.headers.items() if name not in ticket.headers}

    assert for_show <= set(left_out)
    assert [
        name for name in left_out if name not in for_show and left_out[name] not in (None, 0, {}, [None, None])
    ] == []


def test_no_two_tickets_are_alike() -> None:
    assert ticket_message("cpu").correlation_id != ticket_message("cpu").correlation_id


def test_a_notice_comes_back_as_it_was() -> None:
    sent = notice(number=1.5, words=["Größe", None], nested={"yes": True})

    assert decode_notice(encode_notice(sent)) == sent


@pytest.mark.parametrize(
    "unsendable",
    [notice(number=math.nan), notice(thing=object()), notice(text="x" * 70_000)],
    ids=["NaN", "object", "large"],
)
def test_what_is_not_plain_and_small_json_is_not_sent(unsendable: Notice) -> None:
    with pytest.raises(ValueError, match=r"JSON|large"):
        encode_notice(unsendable)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"kind":"other","account_id":"a","job_id":"j","data":{}}',
        b'{"kind":"changed","account_id":1,"job_id":"j","data":{}}',
        b'{"kind":"changed","account_id":"a","job_id":"j","data":[]}',
        b"[" * 5_000,
        b"\x80\x04\x95",
    ],
)
def test_anything_else_is_not_a_notice(body: bytes) -> None:
    with pytest.raises(NotANotice):
        decode_notice(body)
