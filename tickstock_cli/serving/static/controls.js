// Steering a replay: buttons, keys, and what the server says to them.

import * as format from "./format.js";
import { ask } from "./server.js";

const JUMP_MS = 60_000; // of recorded time: how far the buttons for back and ahead go

const byId = (id) => document.getElementById(id);

export class Controls {
  #stand = {};
  #section = byId("controls");

  constructor() {
    byId("pause").onclick = () => this.#do(this.#stand.paused ? { action: "resume" } : { action: "pause" });
    byId("step").onclick = () => this.#do({ action: "step" });
    byId("faster").onclick = () => this.#multiply(2);
    byId("slower").onclick = () => this.#multiply(0.5);
    byId("back").onclick = () => this.#jump(-JUMP_MS);
    byId("ahead").onclick = () => this.#jump(JUMP_MS);
    byId("speed").onchange = (change) => this.#do({ action: "speed", speed: Number(change.target.value) });
    byId("seek").onsubmit = (submit) => {
      submit.preventDefault();
      const text = byId("seek-time").value;
      const time = format.timeOfDay(text, this.#stand.time);
      this.#do({ action: "seek", time: time === null ? text : new Date(time).toISOString() });
    };
    document.addEventListener("keydown", (press) => this.#press(press));
  }

  /** Offer control, or take it away. */
  set offered(offered) {
    this.#section.hidden = !offered;
    if (offered) this.refresh();
  }

  async refresh() {
    if (this.#section.hidden) return;
    try {
      this.#draw(await ask("/api/control"));
    } catch {
      // the connection's state says it already
    }
  }

  async #do(action) {
    const answer = byId("control-answer");
    try {
      const stand = await ask("/api/control", action);
      answer.className = "";
      answer.textContent = action.action === "seek" ? `going to ${action.time}` : "";
      this.#draw(stand);
    } catch (problem) {
      answer.className = "wrong";
      answer.textContent = problem.message;
    }
  }

  #multiply(factor) {
    if (this.#stand.speed) this.#do({ action: "speed", speed: this.#stand.speed * factor });
  }

  /** Go so far from where the market stands, or is going, but not beyond the recording. */
  #jump(distance) {
    const from = this.#stand.going_to ?? this.#stand.time;
    if (!from) return;
    const [first, last] = [this.#stand.first ?? -Infinity, this.#stand.last ?? Infinity];
    // A microsecond within: nanoseconds since 1970 are more than a double holds.
    const [least, most] = [Math.ceil((first + 1e3) / 1e6), Math.floor((last - 1e3) / 1e6)];
    const time = Math.min(Math.max(from / 1e6 + distance, least), most);
    this.#do({ action: "seek", time: new Date(time).toISOString() });
  }

  #draw(stand) {
    this.#stand = stand;
    this.#drawGoing(stand.going_to);
    byId("pause").textContent = stand.paused ? "Go on" : "Pause";
    byId("pause").setAttribute("aria-pressed", String(Boolean(stand.paused)));
    const speed = byId("speed");
    if (document.activeElement !== speed) speed.value = stand.speed ? Number(stand.speed.toPrecision(4)) : "max";
    for (const id of ["faster", "slower"]) byId(id).disabled = !stand.speed;
    const time = byId("seek-time");
    if (stand.time && document.activeElement !== time && !time.value) {
      time.placeholder = new Date(stand.time / 1e6).toISOString().slice(0, 16) + "Z";
    }
  }

  /** Tell where the market is going; undefined: nobody knows. What was refused before stands until then. */
  #drawGoing(time) {
    const answer = byId("control-answer");
    if (time === undefined) return;
    if (time !== null) {
      answer.className = "";
      answer.textContent = `going to ${format.moment(time)} …`;
    } else if (answer.className !== "wrong") answer.textContent = "";
  }

  #press(press) {
    if (press.ctrlKey || press.metaKey || press.altKey) return;
    if (press.target.closest("input, select, textarea")) return;
    if (press.key === "/") {
      press.preventDefault();
      byId("tickers").focus();
      return;
    }
    if (this.#section.hidden) return;
    // A button that has the focus takes the space bar for itself.
    const actions = { s: "step", "[": "back", "]": "ahead", "+": "faster", "=": "faster", "-": "slower", _: "slower" };
    if (press.key === " " && !press.target.closest("button, summary, a")) {
      press.preventDefault();
      byId("pause").click();
    } else if (actions[press.key]) byId(actions[press.key]).click();
  }
}
