"""Real servers from Debian's packages, each on a free port of loopback, in a folder and with certificates of its own.

Not here: what is asked of them. Invariants: none of the system's configurations is read, a server that refuses to run
as root runs as its own user, and each ends when it is stopped, by its own process group.
"""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from rig.ask import ROOT, free_port, has

START_S = 60
PASSWORD = "kept-4-tests"


class Missing(Exception):
    """A program is not installed."""


def user_of(*names):
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Missing(f"user {names[0]}")


def is_taken(port, kind):
    with socket.socket(socket.AF_INET, kind) as one:
        if kind == socket.SOCK_STREAM:
            return one.connect_ex(("127.0.0.1", port)) == 0
        try:
            one.bind(("127.0.0.1", port))
            return False
        except OSError:
            return True


class Server:
    """One process, ready when its ports are."""

    programs = []
    kind = socket.SOCK_STREAM

    def __init__(self, folder, chains):
        for program in self.programs:
            if not has(program):
                raise Missing(program)
        self.folder = Path(folder, type(self).__name__)
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.chains = chains
        self.ports = [free_port() for _ in range(2)]
        self.port, self.other = self.ports
        self.at = f"127.0.0.1:{self.port}"
        self.log = open(Path(folder, f"{type(self).__name__}.log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=self.log, stderr=self.log,
                                        start_new_session=True, cwd=self.folder)
        self.wait()

    def command(self):
        raise NotImplementedError

    def wait(self):
        end = time.monotonic() + START_S
        while not is_taken(self.port, self.kind):
            if self.process.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                raise SystemExit(f"servers: {type(self).__name__} does not start:\n{self.log.read()[-3000:]}")
            time.sleep(0.05)

    def write(self, name, text, owner=None, mode=0o644):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        return str(path)

    def certificate(self, owner=None):
        """The good chain, and its key where only `owner` may read it."""
        text = Path(self.chains.good).read_text(encoding="ascii")
        chain, key = text.split("-----BEGIN PRIVATE KEY-----")
        key = "-----BEGIN PRIVATE KEY-----" + key
        return self.write("chain.pem", chain, owner), self.write("key.pem", key, owner, 0o600)

    def run(self, *command):
        run = subprocess.run(command, capture_output=True, text=True, timeout=START_S, cwd=self.folder)
        if run.returncode:
            raise SystemExit(f"servers: {command[0]} failed:\n{run.stdout}{run.stderr}")

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()


class Nginx(Server):
    programs = ["nginx"]

    def command(self):
        chain, key = self.certificate()
        conf = self.write("nginx.conf", f"""
            daemon off; pid {self.folder}/pid; error_log stderr; events {{}}
            http {{
              access_log off; client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p;
              fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
              ssl_certificate {chain}; ssl_certificate_key {key}; default_type text/html;
              server {{
                listen {self.at}; listen 127.0.0.1:{self.other} ssl http2;
                location = / {{ return 200 "<h1>一网通办</h1> open"; }}
                location = /closed {{ add_header Retry-After 3600 always; return 503; }}
                location = /moved {{ return 302 https://127.0.0.1:{self.other}/; }}
                location = /health {{ default_type application/json; return 200 '{{"status":"up","depth":3}}'; }}
              }}
            }}""")
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-c", conf, "-p", str(self.folder)]


class Unbound(Server):
    programs = ["unbound"]

    def command(self):
        chain, key = self.certificate()
        conf = self.write("unbound.conf", f"""server:
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: "{self.folder}/pid"
  use-syslog: no
  interface: 127.0.0.1@{self.port}
  interface: 127.0.0.1@{self.other}
  tls-port: {self.other}
  tls-service-key: "{key}"
  tls-service-pem: "{chain}"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  local-zone: "parity." static
  local-data: "portal.parity. 60 A 10.1.2.3"
  local-data: "portal.parity. 60 TXT hello"
  local-data: "www.parity. 60 CNAME portal.parity."
  local-zone: "refused.parity." refuse
remote-control:
  control-enable: no
""")
        return [shutil.which("unbound") or "/usr/sbin/unbound", "-d", "-c", conf]


class Postfix(Server):
    programs = ["postfix"]

    def command(self):
        if os.geteuid() != 0:
            raise Missing("root, for postfix")
        chain, key = self.certificate()
        script = ROOT / "tests/smtp/postfix.sh"
        return ["sh", str(script), str(self.folder), str(self.port), str(self.other), chain, key]


class Redis(Server):
    programs = ["redis-server"]

    def command(self):
        chain, key = self.certificate()
        return ["redis-server", "--port", str(self.port), "--tls-port", str(self.other), "--bind", "127.0.0.1",
                "--requirepass", PASSWORD, "--dir", str(self.folder), "--save", "", "--tls-cert-file", chain,
                "--tls-key-file", key, "--tls-ca-cert-file", self.chains.ca, "--tls-auth-clients", "no"]


class Sshd(Server):
    programs = ["sshd", "ssh-keygen"]

    def command(self):
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        key = self.folder / "host"
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        shown = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True)
        self.fingerprint = shown.stdout.split()[1]
        conf = self.write("sshd_config", f"ListenAddress {self.at}\nHostKey {key}\nPidFile none\nUsePAM no\n")
        return ["/usr/sbin/sshd", "-D", "-e", "-f", conf]


class PostgreSql(Server):
    def command(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise Missing("postgres")
        owner = user_of("postgres")
        as_owner = [] if os.geteuid() == owner.pw_uid else ["runuser", "-u", owner.pw_name, "--"]
        chain, key = self.certificate(owner)
        password = self.write("password", PASSWORD, owner, 0o600)
        shutil.chown(self.folder, owner.pw_name)
        data = str(self.folder / "data")
        self.run(*as_owner, f"{found[-1]}/initdb", "-D", data, "-U", "probe", "--auth=scram-sha-256",
                 f"--pwfile={password}", "--no-sync")
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}",
                   "ssl=on", f"ssl_cert_file={chain}", f"ssl_key_file={key}", "fsync=off"]
        return [*as_owner, f"{found[-1]}/postgres", "-D", data, *(part for o in options for part in ("-c", o))]


class MariaDb(Server):
    programs = ["mariadbd", "mariadb-install-db"]

    def command(self):
        owner = user_of("mysql")
        chain, key = self.certificate(owner)
        shutil.chown(self.folder, owner.pw_name)
        data = str(self.folder / "data")
        first = self.write("first.sql", f"CREATE USER probe@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
                           "CREATE DATABASE city;\nCREATE TABLE city.jobs (id INT);\n"
                           "INSERT INTO city.jobs VALUES (1), (2), (3);\nGRANT SELECT ON city.* TO probe@'127.0.0.1';\n",
                           owner)
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={owner.pw_name}",
                 "--auth-root-authentication-method=normal", "--skip-test-db")
        return ["mariadbd" if shutil.which("mariadbd") else "/usr/sbin/mariadbd", "--no-defaults",
                f"--datadir={data}", f"--user={owner.pw_name}", f"--port={self.port}", "--bind-address=127.0.0.1",
                f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid", f"--init-file={first}",
                f"--ssl-cert={chain}", f"--ssl-key={key}", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve"]


OPTIONS = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="options">
  <recv request="OPTIONS"/>
  <send><![CDATA[

    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Allow: INVITE, OPTIONS
    Content-Length: 0

  ]]></send>
</scenario>
"""


class Sipp(Server):
    programs = ["sipp"]
    kind = socket.SOCK_DGRAM
    transport = "u1"

    def command(self):
        scenario = self.write("options.xml", OPTIONS)
        return ["sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", str(self.port), "-t", self.transport, "-nostdin"]


class SippTcp(Sipp):
    kind = socket.SOCK_STREAM
    transport = "t1"
