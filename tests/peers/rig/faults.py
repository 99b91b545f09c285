"""A server on loopback whose every path misbehaves in one way. HTTP/1 here; lines, HTTP/2 and DNS in `faults_more`.

Not here: who is asked for which path (`targets`). Invariants: port 0; whatever is sent without end stops with the peer's
connection; one event loop in one thread.
"""

import asyncio
import base64
import gzip
import socket
import struct
import threading
import zlib

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
PLAIN = HEAD + b"Content-Length: 6\r\nConnection: close\r\n\r\nhello\n"
FOREVER = 3600
PAGE = b'{"status": "up", "queue": {"depth": 3}, "text": "open daily"}'
MIB = 1 << 20


def answer(body, status=b"200 OK", *headers, kind=b"text/plain"):
    """A whole answer."""
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


def moved(to, status=b"302 Found"):
    return answer(b"elsewhere", status, b"Location: " + to.encode())


def reset(writer):
    """Ends a connection with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def bomb():
    """The head and one part of a gzip stream of zeros; each repetition of the part is another MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff", part


async def drip(writer, text, every):
    """Says `text` byte by byte; without an end, the last one for ever."""
    for byte in text:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(every)


async def chatter(writer, part, times=None):
    while times is None or times > 0:
        writer.write(part)
        await writer.drain()
        times = None if times is None else times - 1


# What is said at once, and then the connection is closed.
SAID = {
    "/ok": PLAIN,
    "/json": answer(PAGE, kind=b"application/json"),
    "/404": answer(b"nothing here", b"404 Not Found"),
    "/503": answer(b"closed", b"503 Service Unavailable", b"Retry-After: 3600"),
    "/204": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "/304": b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
    "/blank": answer(b"", kind=b"text/html"),
    "/header": answer(b"ok", b"200 OK", b"X-Backend: blue-7"),
    "/http10": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\n",
    "/100": b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,
    "/103": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + PLAIN,
    "/chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n0\r\n\r\n",
    "/truncated": HEAD + b"Content-Length: 600\r\n\r\nhello\n",
    "/longer": HEAD + b"Content-Length: 6\r\n\r\nhello\nand more than was announced",
    "/bad-chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nhello\r\nxyz\r\n",
    "/cut-chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n600\r\nhello",
    "/huge-chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
    "/no-last-chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n",
    "/bad-status": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "/garbage": b"\0\1\2 this is no HTTP \xff\xfe\r\n\r\n",
    "/icy": b"ICY 200 OK\r\nContent-Length: 6\r\n\r\nhello\n",
    "/http9": b"HTTP/9.9 200 OK\r\nContent-Length: 6\r\n\r\nhello\n",
    "/silent": b"",
    "/cut-head": HEAD + b"Content-Le",
    "/lf-only": b"HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 6\n\nhello\n",
    "/two-lengths": HEAD + b"Content-Length: 6\r\nContent-Length: 7\r\n\r\nhello\n",
    "/bad-length": HEAD + b"Content-Length: -6\r\n\r\nhello\n",
    "/bad-header": b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 6\r\n\r\nhello\n",
    "/many-headers": HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"Content-Length: 6\r\n\r\nhello\n",
    "/long-header": HEAD + b"X-Long: " + b"y" * (2 << 20) + b"\r\nContent-Length: 6\r\n\r\nhello\n",
    "/bad-gzip": answer(b"this is not gzip", b"200 OK", b"Content-Encoding: gzip"),
    "/gzip": answer(gzip.compress(b"hello from inside"), b"200 OK", b"Content-Encoding: gzip"),
    "/cut-gzip": answer(gzip.compress(bytes(range(256)) * 40)[:200], b"200 OK", b"Content-Encoding: gzip"),
    "/h2": b"\0\0\0\4\0\0\0\0\0",
    "/redirect": moved("/ok"),
    "/redirect-308": moved("/ok", b"308 Permanent Redirect"),
    "/loop": moved("/loop"),
    "/ping": moved("/pong"),
    "/pong": moved("/ping"),
    "/to-ftp": moved("ftp://127.0.0.1/file"),
    "/to-file": moved("file:///etc/passwd"),
    "/to-nowhere": answer(b"elsewhere", b"302 Found"),
    "/to-refused": moved("http://127.0.0.1:1/"),
    "/to-unknown": moved("http://nowhere.parity/"),
}


class Faults:
    """All servers of this module, in one thread of their own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.open = []
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, task):
        return asyncio.run_coroutine_threadsafe(task, self.loop).result(30)

    def serve(self, handler, host="127.0.0.1", tls=None, port=0):
        """Starts one; returns its port. A TLS handshake that fails is the peer's matter."""

        async def guarded(reader, writer):
            try:
                await handler(reader, writer)
                writer.close()
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                writer.transport.abort()

        async def start():
            server = await asyncio.start_server(guarded, host, port, ssl=tls, limit=1 << 20, backlog=128)
            self.open.append(server)
            return server.sockets[0].getsockname()[1]

        return self.run(start())


def black_hole():
    """A port that takes no further connection: nobody accepts, and its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    sockets = [listener]
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        sockets.append(filler)
    return listener.getsockname()[1], sockets


async def http(reader, writer):
    """Reads one request and does what its path says."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, path = head.split(" ")[:2]
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    if path in SAID:
        said = SAID[path]
        writer.write(said.split(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else said)
        await writer.drain()
        return
    basic = "basic " + base64.b64encode(b"duty:secret").decode().lower()
    if path == "/echo":
        writer.write(answer(method.encode() + b" " + body))
    elif path == "/basic":
        writer.write(PLAIN if fields.get("authorization") == basic else answer(b"who?", b"401 Unauthorized"))
    elif path == "/bearer":
        writer.write(PLAIN if fields.get("authorization") == "bearer t0ken" else answer(b"no", b"403 Forbidden"))
    elif path == "/needs-header":
        writer.write(PLAIN if fields.get("x-city") == "shanghai" else answer(b"no", b"400 Bad Request"))
    elif path == "/vhost":
        writer.write(PLAIN if fields["host"] == "portal.parity" else answer(b"no such site", b"421 Misdirected"))
    elif path.startswith("/hops/"):
        left = int(path.rsplit("/", 1)[1])
        writer.write(moved(f"/hops/{left - 1}") if left else PLAIN)
    elif path.startswith("/to?"):
        writer.write(moved(path[4:]))
    else:
        await misbehave(path, writer)
    await writer.drain()


async def misbehave(path, writer):
    """What takes time, or never ends, or ends badly."""
    if path == "/hang":
        await asyncio.sleep(FOREVER)
    elif path == "/hang-head":
        writer.write(HEAD)
        await asyncio.sleep(FOREVER)
    elif path == "/hang-body":
        writer.write(HEAD + b"Content-Length: 600\r\n\r\nhello")
        await asyncio.sleep(FOREVER)
    elif path == "/drip-head":
        await drip(writer, HEAD + b"X-Long: " + b"y" * 10_000, 0.05)
    elif path == "/drip-body":
        await drip(writer, HEAD + b"Content-Length: 600000\r\n\r\n" + b"y" * 10_000, 0.02)
    elif path == "/slow":
        await asyncio.sleep(0.5)
        writer.write(PLAIN)
    elif path == "/reset":
        reset(writer)
    elif path == "/reset-head":
        writer.write(HEAD)
        await writer.drain()
        await asyncio.sleep(0.1)
        reset(writer)
    elif path == "/reset-body":
        writer.write(HEAD + b"Content-Length: 600\r\n\r\nhello")
        await writer.drain()
        await asyncio.sleep(0.1)
        reset(writer)
    elif path == "/endless-head":
        writer.write(HEAD)
        await chatter(writer, b"".join(b"X-Flood-%d: %s\r\n" % (n, b"y" * 100) for n in range(500)))
    elif path == "/endless-100":
        await chatter(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    elif path == "/endless-chunk":
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        await chatter(writer, b"10000\r\n" + bytes(65536) + b"\r\n")
    elif path == "/endless-line":
        await chatter(writer, b"y" * 65536)
    elif path == "/gib":
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % (1024 * MIB))
        await chatter(writer, b"y" * MIB, 1024)
    elif path == "/bomb":
        start, part = bomb()
        writer.write(HEAD + b"Content-Encoding: gzip\r\n\r\n" + start)
        await chatter(writer, part, 1024)
    else:
        raise SystemExit(f"faults: no path {path}")


async def proxy(reader, writer):
    """Forwards nothing: whoever asks for an absolute address gets an answer, as if from there."""
    head = await reader.readuntil(b"\r\n\r\n")
    through = head.startswith(b"GET http://")
    writer.write(answer(b"through the proxy") if through else answer(b"no proxy request", b"400 Bad Request"))
    await writer.drain()
