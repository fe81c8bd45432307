// Whether the server is there, in one pill, and since when not; all that it told is marked as old then.

import * as format from "./format.js";

const byId = (id) => document.getElementById(id);

export class Presence extends EventTarget {
  #state = "connecting"; // of the connection: connecting, live, finished, lost, token needed, or a problem
  #problem = "";
  #heard = null; // when the server last told something (ms)
  #answers = true;
  #stale = false;
  #health = null;
  #status = null;
  #over = ""; // what was told of the end of the run: finished, or that it broke off

  /** Whether what is shown is old: the server told it once, and does not answer now. */
  get stale() {
    return this.#stale;
  }

  /** Whether it is worth asking the server anything. */
  get connected() {
    return this.#state === "live" || this.#state === "finished";
  }

  set state(state) {
    this.#state = state;
    if (state === "live") this.#over = "";
    this.#problem = "";
    this.#draw();
  }

  /** Show what keeps the page from its events. */
  set problem(problem) {
    this.#problem = problem;
    this.#draw();
  }

  /** Take what the server just told; undefined = as before. */
  heard(health = this.#health, status = this.#status) {
    this.#heard = Date.now();
    this.#answers = true;
    this.#health = health;
    this.#status = status;
    this.#draw();
  }

  /** Tell that a question was not answered. */
  unanswered() {
    this.#answers = false;
    this.#draw();
  }

  redraw() {
    this.#draw();
  }

  #draw() {
    const lost = this.#state === "lost" || !this.#answers;
    const stale = this.#heard !== null && (lost || !this.connected);
    const since = this.#heard === null ? "yet" : `since ${format.clock(this.#heard * 1e6)}`;
    if (this.#state === "finished") this.#over = this.#status === "broken off" ? this.#status : "finished";
    const over = ["finished", "lost"].includes(this.#state) ? this.#over : "";
    if (this.#problem) show(byId("connection"), this.#problem, "error");
    else if (!lost) show(byId("connection"), over || this.#state, over || this.#state);
    else if (over) show(byId("connection"), `${over}; server gone ${since}`, over); // as it may, after its run
    else show(byId("connection"), `no connection ${since}`, "lost");
    byId("as-of").hidden = !stale;
    byId("as-of").textContent = this.#heard === null ? "" : `as of ${format.clock(this.#heard * 1e6)}`;
    this.#drawHealth(stale, over !== "");
    document.body.classList.toggle("stale", stale);
    if (stale === this.#stale) return;
    this.#stale = stale;
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Draw the state of the system in one word, or the reasons why it is not well. */
  #drawHealth(stale, over) {
    const pill = byId("health");
    pill.hidden = this.#health === null || (over && (stale || this.#health.ok));
    if (pill.hidden) return;
    if (stale) show(pill, "state unknown", "unknown");
    else if (this.#health.ok) show(pill, this.#status ?? "ready", this.#status ?? "ready");
    else {
      const reasons = format.inZone(this.#health.reasons.join("; ")) || "not well";
      show(pill, reasons, this.#status === "starting" ? "starting" : "unhealthy");
    }
  }
}

function show(pill, text, state) {
  if (pill.textContent !== text) pill.textContent = text; // a screen reader repeats what is set anew
  pill.dataset.state = state;
}
