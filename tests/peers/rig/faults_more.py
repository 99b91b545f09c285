"""Servers on loopback that misbehave in other languages than HTTP/1: lines over TCP, HTTP/2, gRPC health, DNS.

Not here: who is asked. Invariant: as in `faults`.
"""

import asyncio

import dnslib
from dnslib import QTYPE, RCODE, RR
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from rig.faults import FOREVER, chatter, reset


async def silent(reader, writer):
    await asyncio.sleep(FOREVER)


async def closes(reader, writer):
    await reader.read(1)


async def resets(reader, writer):
    await reader.read(1)
    reset(writer)


async def greets(reader, writer):
    writer.write(b"220 relay.parity ESMTP\r\n")
    await writer.drain()
    await reader.read(100)


async def endless_line(reader, writer):
    await chatter(writer, b"y" * 65536)


async def echo(reader, writer):
    """A dialogue: greets with a number, wants it back."""
    writer.write(b"HELLO 4711\r\n")
    right = (await reader.readline()).strip() == b"TAKE 4711"
    writer.write(b"OK thanks\r\n" if right else b"ERR what?\r\n")
    await writer.drain()


def smtp(context, offered=True, fault=None):
    """Enough of SMTP for STARTTLS."""

    async def handler(reader, writer):
        writer.write(b"220 relay.parity ESMTP\r\n")
        while line := await reader.readline():
            word = line.strip().upper().split(b" ")[0]
            if word == b"EHLO":
                writer.write(b"250-relay.parity\r\n" + (b"250-STARTTLS\r\n" if offered else b"") + b"250 HELP\r\n")
            elif word == b"STARTTLS" and offered:
                if fault == "refuses":
                    writer.write(b"454 not now\r\n")
                    continue
                writer.write(b"220 go ahead\r\n")
                await writer.drain()
                await writer.start_tls(context)
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return
            else:
                writer.write(b"502 what?\r\n")

    return handler


def h2(fault):
    """An HTTP/2 server; `fault` says what becomes of a request."""

    async def handler(reader, writer):
        if fault == "garbage":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 10)
            await writer.drain()
            await reader.read(65536)
            return
        connection = H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, StreamEnded if fault.startswith("grpc") else RequestReceived):
                    respond(connection, event.stream_id, fault)
            writer.write(connection.data_to_send())
            await writer.drain()
            if fault == "cut":
                return

    return handler


def respond(connection, stream, fault):
    head = [(":status", "200"), ("content-type", "text/plain")]
    if fault == "ok":
        connection.send_headers(stream, head)
        connection.send_data(stream, b"hello\n", end_stream=True)
    elif fault == "goaway":
        connection.close_connection(error_code=0, last_stream_id=0)
    elif fault == "goaway_error":
        connection.close_connection(error_code=11)
    elif fault == "reset":
        connection.reset_stream(stream, error_code=2)
    elif fault == "reset_body":
        connection.send_headers(stream, head)
        connection.send_data(stream, b"hel")
        connection.reset_stream(stream, error_code=2)
    elif fault == "short":
        connection.send_headers(stream, head + [("content-length", "600")])
        connection.send_data(stream, b"hello\n", end_stream=True)
    elif fault == "cut":
        connection.send_headers(stream, head)
        connection.send_data(stream, b"hel")
    elif fault == "hang":
        pass
    elif fault.startswith("grpc"):
        health(connection, stream, fault.removeprefix("grpc-"))


def health(connection, stream, state):
    """The answer of grpc.health.v1.Health/Check."""
    head = [(":status", "200"), ("content-type", "application/grpc")]
    number = {"serving": 1, "not_serving": 2, "unknown": 0}.get(state)
    if number is None:
        status = {"unimplemented": "12", "not_found": "5", "unavailable": "14"}[state]
        connection.send_headers(stream, head + [("grpc-status", status), ("grpc-message", state)], end_stream=True)
        return
    connection.send_headers(stream, head)
    message = bytes([8, number]) if number else b""
    connection.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message)
    connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)


ZONE = """
open.parity. 60 A 10.1.2.3
open.parity. 60 AAAA fd00::3
open.parity. 60 MX 10 relay.parity.
open.parity. 60 TXT "v=spf1 -all"
parity. 60 SOA ns.parity. duty.parity. 2026112501 3600 600 86400 60
www.parity. 60 CNAME site.parity.
site.parity. 60 CNAME open.parity.
six.parity. 60 AAAA ::1
both.parity. 60 AAAA ::1
both.parity. 60 A 127.0.0.1
good.parity. 60 A 127.0.0.1
"""


class Names(asyncio.DatagramProtocol):
    """A name server; the first label of a name says how it misbehaves."""

    records = RR.fromZone(ZONE)

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if said := self.reply(data, over_udp=True):
            self.transport.sendto(said, address)

    def reply(self, data, over_udp):
        asked = dnslib.DNSRecord.parse(data)
        label = str(asked.q.qname).split(".", maxsplit=1)[0].lower()
        said = asked.reply(ra=1, aa=1)
        if label == "silent":
            return None
        if label == "garbage":
            return b"\xff" * 40
        if label == "stranger":
            said.header.id ^= 1
        if label == "other":
            said.q.qname = dnslib.DNSLabel("another.parity")
        if code := {"servfail": RCODE.SERVFAIL, "refused": RCODE.REFUSED, "nowhere": RCODE.NXDOMAIN}.get(label):
            said.header.rcode = code
            return said.pack()
        if label == "cut" and over_udp:
            said.header.tc = 1
            return said.pack()
        if label in ("cut", "stranger", "other"):
            said.add_answer(RR(asked.q.qname, QTYPE.A, rdata=dnslib.A("10.1.2.3"), ttl=60))
            return said.pack()
        self.follow(said, asked.q.qname, asked.q.qtype)
        return said.pack()

    def follow(self, said, name, kind):
        for record in self.records:
            if record.rname == name and record.rtype == kind:
                said.add_answer(record)
            elif record.rname == name and record.rtype == QTYPE.CNAME:
                said.add_answer(record)
                self.follow(said, record.rdata.label, kind)

    async def over_tcp(self, reader, writer):
        while head := await reader.read(2):
            said = self.reply(await reader.readexactly(int.from_bytes(head, "big")), over_udp=False)
            if said is None:
                await asyncio.sleep(FOREVER)
            writer.write(len(said).to_bytes(2, "big") + said)
            await writer.drain()


def name_server(faults, host="127.0.0.1", port=0, tls=None):
    """Starts one over UDP and TCP on one port, and over TLS on another; returns both."""
    names = Names()
    port = faults.serve(names.over_tcp, host=host, port=port)
    faults.run(faults.loop.create_datagram_endpoint(lambda: names, local_addr=(host, port)))
    return port, faults.serve(names.over_tcp, host=host, tls=tls) if tls else None
