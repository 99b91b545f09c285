// The demo as a process: on free ports, with a store that passes away, and with a plan and a duty to report besides, so
// that there is something on every page.
// @ts-check
import { spawn } from "node:child_process";
import { cpSync, createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export const ROOT = new URL("../..", import.meta.url).pathname;
export const PROGRAM = process.env.GENGFU_PROGRAM ?? join(ROOT, "target/debug/gengfu");
const READY_S = 180, STOP_S = 60, API_MS = 60_000;

/** A duty to report, which a person sees; no threshold is short enough for what the demo plays. */
const FILING = `
filing:
  roster: duty
  unit: { zh: 上海市大数据中心, en: Shanghai Big Data Center }
  grades:
    - { grade: considerable, subsystems: [market/complaints], down: 1h }
`;
/** A plan for the one subsystem of the demo that may be maintained at any hour. */
const PLAN = `
plans:
  - id: price-tables
    name: { zh: 价格表更新, en: New price tables }
    owner: ndrc
    reserve: 5s
    verify: 10s
    steps:
      - id: tell
        announce: { text: { zh: 价格表更新开始, en: New price tables are being loaded } }
      - id: quiet
        wait: { lasts: 2s }
      - id: probes
        timeout: 20s
        verify: { rounds: 1 }
`;

/** Whether nobody listens on a port of loopback. */
const isFree = (port) => new Promise((done) => {
  const server = createServer().once("error", () => done(false));
  server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
});

/** The first of two neighbours that are free. */
async function freePorts() {
  for (let first = 23_424; first < 32_000; first += 7) if (await isFree(first) && await isFree(first + 1)) return first;
  throw new Error("no two neighbouring ports of loopback are free");
}

/** Asks until the answer is no longer nothing; what fails is "not yet". */
export async function until(what, seconds, ask) {
  const end = Date.now() + seconds * 1000;
  let last = "";
  while (Date.now() < end) {
    const answer = await Promise.resolve().then(ask).catch((error) => { last = `: ${error.message}`; });
    if (answer) return answer;
    await pause(250);
  }
  throw new Error(`${what}: not within ${seconds} s${last}`);
}

export class Demo {
  /** @param {string} folder an empty folder */
  constructor(folder) {
    this.folder = folder;
    this.log = join(folder, "log");
    this.port = 0;
    this.token = "";
    /** @type {import("node:child_process").ChildProcess | undefined} */
    this.process = undefined;
  }

  get base() { return `http://127.0.0.1:${this.port}`; }

  /** Starts it, again on the same port; done when it is ready. */
  async start() {
    const files = join(this.folder, "files");
    if (!existsSync(files)) {
      for (const name of ["gengfu.yaml", "probes", "schedules"]) cpSync(join(ROOT, name), join(files, name), { recursive: true });
      // Ports of its own, so that another demo may run beside it.
      const main = readFileSync(join(files, "gengfu.yaml"), "utf8").replaceAll("port_offset: 20000", "port_offset: 11000");
      writeFileSync(join(files, "gengfu.yaml"), main + FILING);
      writeFileSync(join(files, "schedules/plans/ndrc.yaml"), PLAN);
      mkdirSync(join(this.folder, "store"));
    }
    this.port ||= await freePorts();
    const args = ["--config", join(files, "gengfu.yaml"), "demo", "--port", String(this.port), "--store", join(this.folder, "store")];
    const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    // Whatever ends us ends it.
    process.once("exit", () => child.kill("SIGKILL"));
    const log = createWriteStream(this.log, { flags: "a" });
    let said = "";
    child.stdout.on("data", (data) => { said += data; });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    await until("the demo is ready", READY_S, async () => {
      if (child.exitCode !== null) return true;
      this.token = said.match(/token\s+(\S+)/)?.[1] ?? "";
      return this.token && (await fetch(`${this.base}/-/ready`)).ok;
    });
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}`);
  }

  /** Asks the API, as the one who may do everything. */
  async api(path, body) {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const options = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
    const answer = await fetch(`${this.base}/api/v1${path}`, { ...options, signal: AbortSignal.timeout(API_MS) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Asks for a window that the plan carries out, once the demo's first one is over. */
  planWindow() {
    const start = new Date(Date.now() + 45_000).toISOString();
    const name = { zh: "价格公示价格表更新", en: "Price disclosure: new price tables" };
    return this.api("/windows", { owner: "ndrc", name, scope: ["ndrc/price"], start, for: "10m", plan: "price-tables", reason: "new prices" });
  }

  /** Judges that an incident has to be reported. */
  grade(incident) {
    return this.api(`/filings/${incident}/grade`, { grade: "considerable", reason: "citizens cannot complain" });
  }

  /** The mails that were sent so far. */
  async mails() {
    return (await fetch(`http://127.0.0.1:${this.port + 1}/api/mails`)).json();
  }

  /** Ends it as Ctrl-C would. */
  async stop() {
    const child = this.process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGINT");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_S * 1000);
    await ended;
    clearTimeout(late);
  }

  /** What it logged last. */
  tail() {
    return existsSync(this.log) ? readFileSync(this.log, "utf8").split("\n").slice(-20).join("\n") : "";
  }

}
