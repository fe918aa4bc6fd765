"""One HTTP request as its bytes arrive: where its head and body end, and what does not fit. Pure.

It reads only what frames a request (Content-Length and Transfer-Encoding). The server's own parser reads the complete
head afterwards and decides what the request is; the worker refuses a request that the two frame differently.
"""

from __future__ import annotations

import re
from enum import Enum, auto

MAX_HEAD_BYTES = 64 * 1024
MAX_CHUNKS = 20_000  # each costs as much as a read, however small it is
MAX_CHUNK_LINE_BYTES = 256
MAX_TRAILER_BYTES = 8 * 1024

_END_OF_HEAD = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*([0-9]{1,18})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding:[^\r\n]*chunked[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_EXPECTS_CONTINUE = re.compile(rb"^expect:[ \t]*100-continue[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?")


class BadFraming(Exception):
    """The bytes are not a request: a head without an end, or a broken chunk. `status` is the answer's."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class _Expected(Enum):
    HEAD = auto()
    BODY = auto()
    CHUNK_LINE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    NOTHING = auto()


class Arrival:
    """Feed it bytes until it is `ready`: complete, or known to be larger than `max_body_bytes`.

    `head` and `body` are then the request, `rest` the bytes that belong to the next one. A request that is `too_large`
    keeps at most one read more than the limit, enough for the application to see that it is.
    """

    def __init__(self, *, max_body_bytes: int) -> None:
        self.head = b""
        self.declared: int | None = None
        self.chunked = self.too_large = False
        self._limit = max_body_bytes
        self._expected = _Expected.HEAD
        self._buffer = bytearray()
        self._searched = 0
        self._body = bytearray()
        self._chunks = 0
        self._left = 0  # of the body, or of the chunk
        self._awaits_continue = False

    @property
    def started(self) -> bool:
        return bool(self.head or self._buffer)

    @property
    def ready(self) -> bool:
        return self.too_large or self._expected is _Expected.NOTHING

    @property
    def held_bytes(self) -> int:
        """The memory it occupies."""
        return len(self.head) + len(self._buffer) + len(self._body)

    @property
    def rest(self) -> bytes:
        return bytes(self._buffer) if self._expected is _Expected.NOTHING else b""

    @property
    def target(self) -> bytes:
        """The path and query, as far as the first line can be read."""
        words = (self.head or bytes(self._buffer[:MAX_HEAD_BYTES])).partition(b"\r\n")[0].split(b" ")
        return words[1] if len(words) > 1 else b""

    def take_body(self) -> bytes:
        """The decoded body; frees it here."""
        body = bytes(self._body)
        self._body = bytearray()
        return body

    def take_continue(self) -> bool:
        """Whether the client waits to be asked for the body; True only once."""
        asks = self._awaits_continue and not self.ready and not self._body
        self._awaits_continue = False
        return asks

    def feed(self, data: bytes) -> None:
        """Raises BadFraming."""
        self._buffer += data
        while not self.ready and self._advance():
            pass

    def _advance(self) -> bool:
        """Take one part from the buffer; whether there may be another one."""
        match self._expected:
            case _Expected.HEAD:
                return self._take_head()
            case _Expected.BODY | _Expected.CHUNK:
                return self._take_data()
            case _Expected.CHUNK_LINE:
                return self._take_chunk_line()
            case _Expected.CHUNK_END:
                return self._take_chunk_end()
            case _Expected.TRAILER:
                return self._take_trailer()
        return False

    def _take_head(self) -> bool:
        end = self._buffer.find(_END_OF_HEAD, max(0, self._searched - 3))
        if (end if end >= 0 else len(self._buffer)) > MAX_HEAD_BYTES:
            raise BadFraming(431, "The request's headers are too large.")
        if end < 0:
            self._searched = len(self._buffer)
            return False
        self._searched = 0
        self.head = bytes(self._buffer[: end + 4])
        del self._buffer[: end + 4]
        self._frame_body()
        return True

    def _frame_body(self) -> None:
        self._awaits_continue = bool(_EXPECTS_CONTINUE.search(self.head))
        if _CHUNKED.search(self.head):
            self.chunked = True
            self._expected = _Expected.CHUNK_LINE
            return
        length = _CONTENT_LENGTH.search(self.head)
        self.declared = self._left = int(length[1]) if length else 0
        self.too_large = self._left > self._limit
        self._expected = _Expected.BODY if self._left else _Expected.NOTHING

    def _take_data(self) -> bool:
        if not self._buffer:
            return False
        part = self._buffer[: self._left]
        del self._buffer[: len(part)]
        self._body += part
        self._left -= len(part)
        self.too_large = len(self._body) > self._limit
        if not self._left:
            self._expected = _Expected.CHUNK_END if self.chunked else _Expected.NOTHING
        return True

    def _take_chunk_line(self) -> bool:
        line = self._take_line(MAX_CHUNK_LINE_BYTES)
        if line is None:
            return False
        size = _CHUNK_LINE.fullmatch(line)
        if size is None:
            raise BadFraming(400, "The chunked body is malformed: a chunk does not start with its size.")
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise BadFraming(400, f"The body has more than {MAX_CHUNKS} chunks. Send larger ones.")
        self._left = int(size[1], 16)
        self._expected = _Expected.CHUNK if self._left else _Expected.TRAILER
        return True

    def _take_chunk_end(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise BadFraming(400, "The chunked body is malformed: a chunk is longer than its size.")
        del self._buffer[:2]
        self._expected = _Expected.CHUNK_LINE
        return True

    def _take_trailer(self) -> bool:
        """Trailers are read and ignored, up to the empty line that ends the request."""
        line = self._take_line(MAX_TRAILER_BYTES)
        if line is None:
            return False
        self._searched += len(line)
        if self._searched > MAX_TRAILER_BYTES:
            raise BadFraming(431, "The request's trailers are too large.")
        if not line:
            self._expected = _Expected.NOTHING
        return True

    def _take_line(self, limit: int) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end > limit or (end < 0 and len(self._buffer) > limit):
            raise BadFraming(400, "The chunked body is malformed: a line is too long.")
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line
