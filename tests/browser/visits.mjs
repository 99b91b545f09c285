// Which pages there are, and as whom each is visited.
//
// The list of doors is read from the program's text, so that a page without a visit fails the test.
// @ts-check
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./demo.mjs";

/**
 * @typedef {{ path: string, as: "guest" | "admin", status?: number, own?: boolean }} Visit
 * `guest` is somebody from elsewhere without a token, `admin` is signed in. `own`: a page with a frame of its own.
 */

/** Every address that answers GET with a page for people. */
export function doors() {
  const text = readFileSync(join(ROOT, "src/web/pages/mod.rs"), "utf8");
  return [...text.matchAll(/\.get\("([^"]+)"/g)].map((found) => found[1]);
}

/**
 * What is visited, by door; `""` is what no door takes.
 * @returns {Record<string, Visit[]>}
 */
export function visits({ incident, take, run, window }) {
  const guest = (path, more = {}) => ({ path, as: /** @type {const} */ ("guest"), ...more });
  const admin = (path, more = {}) => ({ path, as: /** @type {const} */ ("admin"), ...more });
  const both = (path) => [guest(path), admin(path)];
  return {
    "/": both("/"),
    "/owners/{owner}": both("/owners/bdc"),
    "/subsystems/{owner}/{id}": both("/subsystems/bdc/unified-acceptance"),
    "/incidents": [guest("/incidents")],
    "/incidents/{id}": both(`/incidents/${incident}`),
    "/incidents/{id}/take": [guest(take)],
    "/incidents/{id}/filing": [admin(`/incidents/${incident}/filing`)],
    "/find": [guest("/find?q=1")],
    "/composites": [guest("/composites")],
    "/hours": [guest("/hours")],
    "/hours/{owner}": [guest("/hours/bdc")],
    "/maintenance": [guest("/maintenance")],
    "/maintenance/plan": [guest("/maintenance/plan?owner=bdc")],
    "/maintenance/request": [admin("/maintenance/request")],
    "/maintenance/windows/{id}": both(`/maintenance/windows/${window}`),
    "/maintenance/runs": [guest("/maintenance/runs")],
    "/maintenance/runs/{id}": both(`/maintenance/runs/${run}`),
    "/on-call": [admin("/on-call")],
    "/sla": [guest("/sla")],
    "/sla/{period}": [guest(`/sla/${new Date().toISOString().slice(0, 7)}`, { own: true })],
    "/audit": [admin("/audit")],
    "/outbox": [admin("/outbox")],
    "/sign-in": [guest("/sign-in")],
    "": [guest("/nothing-here", { status: 404 })],
  };
}
