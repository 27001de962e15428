# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server for responses that no HTTP library would send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import cycle


class ByteServer:
    """Sends the next of its responses to each connection, byte for byte, and closes it."""

    def __init__(self, responses: Iterable[bytes] = (b"",)) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.responses: Iterator[bytes] = cycle(responses)
        self.received: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            # A client may close first.
            with connection, suppress(OSError):
                connection.settimeout(5)
                self.received.append(_read(connection))
                connection.sendall(next(self.responses))


def _read(connection: socket.socket) -> bytes:
    """Read the whole request, or closing would reset the connection and lose the response."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return received
        received += part
    head, _separator, body = received.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(headers.get(b"content-length", b"0")) - len(body)
    while left > 0:
        part = connection.recv(65536)
        received, left = received + part, left - (len(part) or left)
    return received
