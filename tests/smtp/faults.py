#!/usr/bin/env python3
"""A relay with faults on demand, on top of aiosmtpd, and an independent reader of what it took.

    faults.py [--tls CERTIFICATE KEY] [--implicit | --starttls] [--login USER PASSWORD] [--silent]
              [--sessions N]

Prints `listening PORT`, then one JSON line for each mail that it took: to, session (which connection), message_id,
subject, headers and parts, decoded by Python's own mail parser. The local part of a recipient asks for a fault:

    later-N-…   451 for the first N tries
    gone…       550
    hang…       no answer to RCPT
    refused…    554 to the content
    dropped…    the content is taken, then the connection is cut before the answer; the second time all is well
    large…      552 to the content
    closing…    421 to RCPT and the connection is cut; the second time all is well
    cut…        the connection is cut instead of an answer to RCPT; the second time all is well
    slow-MS-…   the content is taken after MS milliseconds
    last…       the content is taken, and then the connection is cut without a word, as after a time of silence

`--silent` takes connections and says nothing at all; `--sessions N` lets no more than N stand at a time, and says 421
to others. Ends with its standard input.
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult


def say(**fields):
    print(json.dumps(fields, ensure_ascii=False), flush=True)


class Faults:
    def __init__(self):
        self.tries = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        fault = address.split("@")[0].split("-")
        self.tries[address] = self.tries.get(address, 0) + 1
        if fault[0] == "gone":
            return "550 5.1.1 no such mailbox"
        if fault[0] == "hang":
            await asyncio.sleep(3600)
        if fault[0] == "closing" and self.tries[address] == 1:
            asyncio.get_running_loop().call_soon(server.transport.close)
            return "421 4.3.2 shutting down"
        if fault[0] == "cut" and self.tries[address] == 1:
            server.transport.abort()
            return "250 never said"
        if fault[0] == "later" and self.tries[address] <= int(fault[1]):
            return "451 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if to.startswith("refused"):
            return "554 5.6.0 content refused"
        if to.startswith("large"):
            return "552 5.3.4 larger than this relay takes"
        if to.startswith("slow"):
            await asyncio.sleep(int(to.split("@")[0].split("-")[1]) / 1000)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        say(
            to=to,
            session=server.number,
            sender=envelope.mail_from,
            recipients=len(envelope.rcpt_tos),
            message_id=mail["Message-ID"],
            subject=mail["Subject"],
            defects=[str(d) for part in mail.walk() for d in part.defects],
            headers=[[name, str(value)] for name, value in mail.items()],
            secured=session.ssl is not None or server.transport.get_extra_info("cipher") is not None,
            authenticated=bool(session.authenticated),
            text=parts.get("text/plain"),
            html=parts.get("text/html"),
        )
        if to.startswith("dropped") and self.tries[to] == 1:
            server.transport.abort()
        if to.startswith("last"):
            asyncio.get_running_loop().call_soon(server.transport.close)
        return "250 2.0.0 queued as TEST"


class TooMany(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"421 4.7.0 too many connections from you\r\n")
        transport.close()


class Counted(SMTP):
    """Knows which connection it is, and how many there are."""

    total = 0
    standing = 0

    def connection_made(self, transport):
        if self._over_tls_again():
            return super().connection_made(transport)
        Counted.total += 1
        self.number = Counted.total
        return super().connection_made(transport)

    def _over_tls_again(self):
        return hasattr(self, "number")

    def connection_lost(self, error):
        Counted.standing -= 1
        super().connection_lost(error)


async def serve(options):
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)

    def authenticate(server, session, envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == tuple(options.login), handled=False)

    login = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False} if options.login else {}
    faults = Faults()

    def session():
        if options.silent:
            return asyncio.Protocol()
        if options.sessions and Counted.standing >= options.sessions:
            return TooMany()
        Counted.standing += 1
        tls = {"tls_context": context, "require_starttls": True} if options.starttls else {}
        return Counted(faults, hostname="relay.bdc.test", enable_SMTPUTF8=True, **tls, **login)

    secured = context if options.implicit else None
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=secured)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def main():
    # What goes wrong here goes wrong on purpose; the Rust side judges it.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--implicit", action="store_true")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--login", nargs=2, metavar=("USER", "PASSWORD"))
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--sessions", type=int, metavar="N")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
