// The list of events, newest first: a bounded number of rows, of the newest events or of an older page of the log.
// What a page keeps of the newest events is bounded, too; older ones are read from the log when they are asked for.

import * as format from "./format.js";
import { markDates, row } from "./rows.js";
import { ask } from "./server.js";

const KEPT = 20_000;
const ROWS = 300;

export const SOURCES = ["tick", "ohlcv", "fmv"];

export class Feed {
  #section;
  #body;
  #run = null;
  #log = null; // {first, last}: sequence numbers of the oldest and the newest event of the log; null = not known yet
  #events = []; // the newest ones, complete from #keptFrom on
  #keptFrom = 1;
  #newest = 0;
  #coming = [];
  #past = null; // {events, from}: matching events before #keptFrom, if too few of the kept ones match
  #page = null; // {events, from, to}: the page of the log that is shown, [from, to); null = the newest events
  #passes = () => true;
  #query = {};
  #problem = "";
  #load = 0;
  #drawing = false;
  #held = false; // the pointer is down: a row that moved away from under it would make another ticker the chosen one

  /** `section` holds the table; `choose` is called with the ticker of a row that is chosen. */
  constructor(section, choose) {
    this.#section = section;
    this.#body = section.querySelector("tbody");
    this.#body.addEventListener("click", (click) => {
      const button = click.target.closest("button");
      if (button) choose(button.textContent);
    });
    this.#body.addEventListener("pointerdown", () => (this.#held = true));
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => this.#release());
    section.querySelector(".scroll").addEventListener("keydown", (press) => this.#walk(press));
    this.#part("older").onclick = () => this.#showOlder();
    this.#part("newer").onclick = () => this.#showNewer();
    this.#part("newest").onclick = () => this.#showNewest();
  }

  /** Begin again: with another run or epoch, whose events come from the number `from` on. */
  restart(run, from) {
    this.#run = run;
    this.#events = [];
    this.#coming = [];
    this.#keptFrom = from;
    this.#newest = from - 1;
    this.#showNewest();
  }

  /** Tell how far the log reaches. */
  set log({ first, last }) {
    this.#log = { first, last: Math.max(last, this.#newest) };
    this.#drawSoon();
  }

  add(events) {
    for (const event of events) this.#coming.push(event);
    this.#newest = events.at(-1).sequence ?? this.#newest;
    this.log = this.#log;
    // A hidden page is never asked to draw: what comes meanwhile must not pile up.
    if (this.#coming.length > KEPT) this.#draw();
  }

  /** Tell in the list that events are missing: `first` to `last` are deleted, or their file is damaged. */
  addGap(missing) {
    this.add([gapOf(missing)]);
  }

  /** Show only events that pass; `query` is the same filter as /api/events takes it. */
  filter(passes, query) {
    this.#passes = (event) => event.gap !== undefined || passes(event);
    this.#query = query;
    this.#showNewest();
  }

  redraw() {
    this.#take();
    const events = this.#page?.events ?? [...(this.#past?.events ?? []), ...this.#events.filter(this.#passes)];
    this.#body.replaceChildren(...events.slice(-ROWS).reverse().map(row));
    markDates(this.#body);
    this.#drawPlace();
  }

  #part(id) {
    return this.#section.querySelector(`#${id}`);
  }

  // --- pages of the log ----------------------------------------------------------------------------------------------

  #showNewest() {
    this.#load += 1;
    this.#page = null;
    this.#past = null;
    this.#problem = "";
    this.redraw();
    const missing = ROWS - this.#body.children.length;
    if (missing > 0 && this.#log && this.#keptFrom > this.#log.first) this.#fill(missing);
  }

  async #fill(missing) {
    const before = this.#keptFrom;
    const answer = await this.#ask({ before, limit: missing });
    if (!answer || this.#page || before !== this.#keptFrom) return;
    this.#past = { events: answer.events, from: answer.previous };
    this.redraw();
  }

  async #showOlder() {
    const to = this.#from();
    const answer = await this.#ask({ before: to, limit: ROWS });
    if (answer) this.#show({ events: answer.events, from: answer.previous, to });
  }

  async #showNewer() {
    const from = this.#page?.to;
    const answer = from && (await this.#ask({ from, limit: ROWS }));
    if (!answer) return;
    if (answer.next > answer.last_sequence) this.#showNewest();
    else this.#show({ events: answer.events, from, to: answer.next });
  }

  #show(page) {
    this.#page = page;
    this.#problem = "";
    this.redraw();
    this.#section.querySelector(".scroll").scrollTop = 0;
  }

  /** Give an answer of the log; nothing if another question came meanwhile, or if it failed, which is told. */
  async #ask(query) {
    const load = ++this.#load;
    try {
      const answer = await ask(`/api/events?${new URLSearchParams({ run: this.#run, ...this.#query, ...query })}`);
      return load === this.#load ? answer : null;
    } catch (problem) {
      if (load !== this.#load) return null;
      if (problem.details?.code === "unreadable") return this.#askBeyond(query, problem.details);
      this.#problem = problem.message;
      this.#drawPlace();
      return null;
    }
  }

  /** Ask for the events on the other side of a damaged file, and tell in the list which ones it held. */
  async #askBeyond(query, { first_sequence: first, next_sequence: next }) {
    const back = query.before !== undefined;
    const answer = await this.#ask(back ? { ...query, before: first } : { ...query, from: next });
    if (!answer) return null;
    const gap = gapOf({ first, last: next - 1, damaged: true });
    return { ...answer, events: back ? [...answer.events, gap] : [gap, ...answer.events] };
  }

  /** Give the number from which on every matching event is shown, in the list or above it. */
  #from() {
    if (this.#page) return this.#page.from;
    if (this.#body.children.length >= ROWS) {
      const last = [...this.#body.children].findLast((line) => line.dataset.sequence);
      if (last) return Number(last.dataset.sequence);
    }
    return this.#past?.from ?? this.#keptFrom;
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  /** Keep the events that have come, and return those that pass the filter. */
  #take() {
    const fresh = this.#coming.filter(this.#passes);
    for (const event of this.#coming) this.#events.push(event);
    this.#coming = [];
    if (this.#events.length > KEPT * 1.1) {
      this.#events.splice(0, this.#events.length - KEPT);
      this.#keptFrom = this.#events.find((event) => event.sequence !== undefined).sequence;
      this.#past = null;
    }
    return fresh;
  }

  #release() {
    if (!this.#held) return;
    this.#held = false;
    setTimeout(() => this.#drawSoon()); // after the click that follows
  }

  #draw() {
    this.#drawTotal();
    if (this.#held) return;
    const fresh = this.#take();
    if (fresh.length && !this.#page) {
      const rows = document.createDocumentFragment();
      rows.append(...fresh.slice(-ROWS).reverse().map(row));
      this.#body.prepend(rows);
      while (this.#body.children.length > ROWS) this.#drop(this.#body.lastElementChild);
      markDates(this.#body);
    }
    this.#drawPlace();
  }

  /** Take a row away; the keyboard's focus stays in the list. */
  #drop(line) {
    if (line.contains(document.activeElement)) this.#section.querySelector(".scroll").focus();
    line.remove();
  }

  #drawTotal() {
    if (!this.#log) return;
    const total = Math.max(0, this.#log.last - this.#log.first + 1);
    this.#section.querySelector(".count").hidden = false;
    this.#part("total").textContent = format.count(total);
  }

  #drawPlace() {
    if (!this.#log) return;
    const shown = this.#body.querySelectorAll("tr[data-sequence]").length;
    const [from, to] = [this.#from(), this.#page ? this.#page.to - 1 : this.#newest];
    this.#part("shown").textContent = format.count(shown);
    const place = this.#part("place");
    place.className = this.#problem ? "wrong" : "";
    const deleted = from < this.#log.first ? `; the log keeps those from ${format.count(this.#log.first)} on` : "";
    place.textContent = this.#problem || (to >= from ? `events ${format.count(from)} to ${format.count(to)}${deleted}` : "");
    this.#part("older").disabled = from <= this.#log.first;
    for (const id of ["newer", "newest"]) this.#part(id).disabled = !this.#page;
    const empty = this.#part("empty");
    empty.hidden = this.#body.children.length > 0;
    empty.textContent = this.#log.last >= this.#log.first ? "None of these events passes the filters." : "No events yet.";
  }

  /** Go through the list with the arrow keys. */
  #walk(press) {
    if (press.ctrlKey || press.metaKey || press.altKey) return;
    const buttons = [...this.#body.querySelectorAll("button")];
    const place = buttons.indexOf(document.activeElement);
    const goals = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: buttons.length - 1 };
    const goal = buttons[goals[press.key]];
    if (!goal) return;
    press.preventDefault();
    goal.focus();
  }
}

function gapOf({ first, last, damaged = false }) {
  const why = damaged ? "cannot be read: the file of the event log is damaged" : "were deleted before this page could read them";
  return { gap: `Events ${format.count(first)} to ${format.count(last)} ${why}.` };
}
