"""One WebSocket: uvicorn's, whose client cannot leave what it is sent lying for ever."""

import asyncio
from asyncio import TimerHandle
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

# Nobody pauses a dashboard as one does a film: `Bounds.unread_seconds`, but no longer than this.
UNREAD_SECONDS = 10.0


class GuardedSocket(WebSocketsSansIOProtocol):
    """Cuts off who does not read: pings and the close frame, too, would wait behind what lies there.

    `config` carries `bounds` (see `gateway.serving`).
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # uvicorn's type
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = min(UNREAD_SECONDS, config.bounds.unread_seconds)  # type: ignore[attr-defined]  # ours has them
        self._unread: TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
