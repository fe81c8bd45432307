// Steering a replay: buttons, keys, and what the server says to them.

import { ask } from "./server.js";

const byId = (id) => document.getElementById(id);

export class Controls {
  #stand = {};
  #section = byId("controls");

  constructor() {
    byId("pause").onclick = () => this.#do(this.#stand.paused ? { action: "resume" } : { action: "pause" });
    byId("step").onclick = () => this.#do({ action: "step" });
    byId("faster").onclick = () => this.#multiply(2);
    byId("slower").onclick = () => this.#multiply(0.5);
    byId("speed").onchange = (change) => this.#do({ action: "speed", speed: Number(change.target.value) });
    byId("seek").onsubmit = (submit) => {
      submit.preventDefault();
      this.#do({ action: "seek", time: byId("seek-time").value });
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
      this.#draw(await ask("/api/control", action));
      answer.className = "";
      answer.textContent = action.action === "seek" ? `going to ${action.time}` : "";
    } catch (problem) {
      answer.className = "wrong";
      answer.textContent = problem.message;
    }
  }

  #multiply(factor) {
    if (this.#stand.speed) this.#do({ action: "speed", speed: this.#stand.speed * factor });
  }

  #draw(stand) {
    this.#stand = stand;
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
    const actions = { s: "step", "+": "faster", "=": "faster", "-": "slower", _: "slower" };
    if (press.key === " " && !press.target.closest("button, summary, a")) {
      press.preventDefault();
      byId("pause").click();
    } else if (actions[press.key]) byId(actions[press.key]).click();
  }
}
