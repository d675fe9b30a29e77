"""A server that speaks Anthropic's Messages API over HTTP: it answers as told and keeps what it was asked.

The shape of answers and errors is that of API version 2023-06-01, which the official SDK reads.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Status, and the text or the kind of error.
Turn = tuple[int, str]


class FakeAnthropic:
    """`turns` are given one after the other, the last one for ever; `asked` holds each request's headers and body."""

    def __init__(self) -> None:
        self.turns: list[Turn] = [(200, "# Refined\n\nBetter.")]
        self.stop_reason = "end_turn"
        self.asked: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.url = ""

    def answer(self, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append((headers, body))
        status, text = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if status != 200:
            return status, {"type": "error", "error": {"type": text, "message": "as told"}}
        return status, {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [{"type": "text", "text": text}] if text else [],
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }


@contextmanager
def running_anthropic() -> Iterator[FakeAnthropic]:
    """A fake for the length of the context; clients are told to try again soon."""
    fake = FakeAnthropic()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = fake.answer({name.lower(): value for name, value in self.headers.items()}, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            if status in (429, 529):
                self.send_header("Retry-After-Ms", "10")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
