"""What travels: tickets as Celery's own messages, notices as JSON. Bytes in, bytes out, no I/O.

A ticket is a task message of Celery's protocol 2 (Celery's manual, "Message Protocol"), built by hand so that the
gateway needs neither celery nor kombu. Only the headers that the protocol asks for are sent: what is left out has its
default in the worker. A test holds it against what Celery itself would send.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelwork.broker.base import Notice
from reelwork.broker.topology import TASK_NAME
from reelwork.domain.ids import AccountId, JobId

CONTENT_TYPE = "application/json"
CONTENT_ENCODING = "utf-8"
LARGEST_NOTICE_BYTES = 64 * 1024  # a progress report is under 1 kB

_EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


class NotANotice(ValueError):  # the sender is not one of ours, or newer than we are
    """A message on the notices exchange that cannot be read as a notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketMessage:
    """One ticket, ready to be sent with delivery mode 2."""

    correlation_id: str
    headers: Mapping[str, Any]  # header values are whatever Celery's protocol says: text, numbers, None
    body: bytes


def ticket_message(pool: str) -> TicketMessage:
    """A new ticket for a pool. It names no job."""
    task_id = str(uuid.uuid4())
    headers = {
        "lang": "py",
        "task": TASK_NAME,
        "id": task_id,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "ignore_result": True,
    }
    return TicketMessage(correlation_id=task_id, headers=headers, body=_json([[], {"pool": pool}, _EMBED]))


def encode_notice(notice: Notice) -> bytes:
    """A notice as JSON. Raises ValueError when it is larger than 64 KiB or its data is not JSON."""
    body = _json({"kind": notice.kind, "account_id": notice.account_id, "job_id": notice.job_id, "data": notice.data})
    if len(body) > LARGEST_NOTICE_BYTES:
        raise ValueError(f"a notice of {len(body)} bytes is too large")
    return body


def decode_notice(body: bytes) -> Notice:
    """The inverse of `encode_notice`. Raises `NotANotice`; what comes from the network is not trusted to be ours."""
    if len(body) > LARGEST_NOTICE_BYTES:
        raise NotANotice("too large")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotANotice("not JSON") from error
    match fields:
        case {
            "kind": "changed" | "progress" | "probe" | "answer" as kind,
            "account_id": str(account_id),
            "job_id": str(job_id),
            "data": dict(data),
        }:
            return Notice(kind=kind, account_id=AccountId(account_id), job_id=JobId(job_id), data=data)
        case _:
            raise NotANotice("not the fields of a notice")


def _json(value: object) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError("not JSON") from error
