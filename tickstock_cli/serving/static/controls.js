// Steering a replay: buttons, fields, and what the server says to them.

import * as format from "./format.js";
import { ask } from "./server.js";

const JUMP_MS = 60_000; // of recorded time: how far the buttons for back and ahead go
const FASTEST = 1e6; // the speed that is max
const PARTS = { pause: "pause", step: "step", speeds: "speed", seek: "seek", rollout: "rollout" }; // and their actions

const byId = (id) => document.getElementById(id);

export class Controls {
  #stand = {};
  #offered = false;
  #section = byId("controls");
  #actions = 0; // begun so far: an answer from before one of them tells what no longer holds
  #pending = 0; // not answered yet
  #last = Promise.resolve(); // one action after another: sent together, they could arrive in another order
  #stale = false;

  constructor() {
    byId("pause").onclick = () => this.#togglePause();
    byId("step").onclick = () => this.#do({ action: "step" });
    byId("faster").onclick = () => this.#multiply(2);
    byId("slower").onclick = () => this.#multiply(0.5);
    byId("back").onclick = () => this.#jump(-JUMP_MS);
    byId("ahead").onclick = () => this.#jump(JUMP_MS);
    byId("speed").onchange = (change) => this.#setSpeed(change.target.value);
    byId("rollout-percent").onchange = (change) => this.#setRollout(change.target.value);
    byId("seek").onsubmit = (submit) => {
      submit.preventDefault();
      const text = byId("seek-time").value;
      const time = format.timeOfDay(text, this.#stand.time);
      this.#do({ action: "seek", time: time === null ? text : new Date(time).toISOString() });
    };
  }

  /** Offer control, or take it away: what the run takes of it is known once it has said so. */
  set offered(offered) {
    this.#offered = offered;
    if (offered) this.refresh();
    else this.#drawParts([]);
  }

  /** Tell whether the server is gone, and nothing can be steered. */
  set stale(stale) {
    this.#stale = stale;
    for (const part of this.#section.querySelectorAll("button, input")) part.disabled = stale;
    if (stale) this.#say("no connection: nothing can be steered", "wrong");
    else {
      this.#say("");
      this.#draw();
    }
  }

  async refresh() {
    if (!this.#offered || this.#pending) return;
    const actions = this.#actions;
    try {
      const stand = await ask("/api/control");
      if (actions === this.#actions) this.#take(stand);
    } catch {
      // the connection's state says it already
    }
  }

  #togglePause() {
    const paused = !this.#stand.paused;
    this.#expect({ paused });
    this.#do({ action: paused ? "pause" : "resume" });
  }

  async #do(action) {
    const number = ++this.#actions;
    this.#pending += 1;
    const answer = this.#last.then(() => ask("/api/control", action)).finally(() => (this.#pending -= 1));
    this.#last = answer.catch(() => {});
    try {
      const stand = await answer;
      if (number !== this.#actions) return;
      this.#say(action.action === "seek" ? `going to ${action.time}` : "");
      this.#take(stand);
    } catch (problem) {
      this.#say(problem.message, "wrong");
      await this.refresh();
    }
  }

  #setSpeed(text) {
    const speed = format.speed(text);
    if (speed === null) this.#say("a speed is a number above 0, such as 20 or 20x, or max", "wrong");
    else if (speed === "max" && !this.#stand.speed) this.#say("it is the fastest already");
    else {
      byId("speed").value = speed; // 20, if 20x was typed
      this.#do({ action: "speed", speed });
    }
  }

  #setRollout(text) {
    const percent = Number(text.replace("%", "").trim() || NaN);
    if (percent >= 0 && percent <= 100) this.#do({ action: "rollout", percent });
    else this.#say("a rollout takes 0 to 100 percent of the tickers", "wrong");
  }

  #multiply(factor) {
    if (!this.#stand.speed) return;
    const speed = Math.min(this.#stand.speed * factor, FASTEST);
    this.#expect({ speed });
    this.#do({ action: "speed", speed });
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

  /** Show what an action will do at once; its answer tells whether it is so. */
  #expect(change) {
    this.#take({ ...this.#stand, ...change });
  }

  #take(stand) {
    this.#stand = stand;
    this.#drawParts(stand.actions);
    this.#drawGoing(stand.going_to);
    this.#draw();
  }

  /** Show the parts whose actions the run takes: a live run cannot be paused, and none of them steers it. */
  #drawParts(actions) {
    for (const [id, action] of Object.entries(PARTS)) {
      byId(id).hidden = !actions.includes(action);
      for (const help of document.querySelectorAll(`[data-for=${id}]`)) help.hidden = byId(id).hidden;
    }
    this.#section.hidden = Object.keys(PARTS).every((id) => byId(id).hidden);
  }

  #draw() {
    const stand = this.#stand;
    byId("pause").textContent = stand.paused ? "Go on" : "Pause";
    byId("pause").dataset.paused = Boolean(stand.paused); // not aria-pressed: "Go on, pressed" would say the opposite
    const speed = byId("speed");
    const isMax = !stand.speed || stand.speed >= FASTEST;
    if (document.activeElement !== speed) speed.value = isMax ? "max" : Number(stand.speed.toPrecision(4));
    byId("faster").disabled = this.#stale || isMax;
    byId("slower").disabled = this.#stale || !stand.speed;
    const share = byId("rollout-percent");
    if (document.activeElement !== share && typeof stand.rollout_percent === "number") share.value = stand.rollout_percent;
    const time = byId("seek-time");
    if (stand.time && document.activeElement !== time && !time.value) {
      time.placeholder = format.clock(stand.time);
    }
  }

  /** Tell where the market is going; undefined: nobody knows. What was refused before stands until then. */
  #drawGoing(time) {
    if (time === undefined) return;
    if (time !== null) this.#say(`going to ${format.moment(time)} …`);
    else if (byId("control-answer").className !== "wrong") this.#say("");
  }

  #say(text, className = "") {
    byId("control-answer").className = className;
    byId("control-answer").textContent = format.inZone(text);
  }
}
