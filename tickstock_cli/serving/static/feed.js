// The list of events: newest first, a bounded number kept, filtered here so that a filter changes what was before, too.

import * as format from "./format.js";
import { phrases } from "./kinds.js";

const KEPT = 20_000;
const ROWS = 300;

export const SOURCES = ["tick", "ohlcv", "fmv"];

export class Feed {
  #events = [];
  #coming = [];
  #passes = () => true;
  #received = 0;
  #matching = 0;
  #body;
  #drawing = false;

  /** `section` holds the table; `choose` is called with the ticker of a row that is chosen. */
  constructor(section, choose) {
    this.section = section;
    this.#body = section.querySelector("tbody");
    this.#body.addEventListener("click", (click) => {
      const button = click.target.closest("button");
      if (button) choose(button.textContent);
    });
  }

  add(events) {
    this.#coming.push(...events);
    this.#received += events.length;
    // A hidden page is never asked to draw: what comes meanwhile must not pile up.
    if (this.#coming.length > KEPT) this.#draw();
    else this.#drawSoon();
  }

  clear() {
    this.#events = [];
    this.#coming = [];
    this.#received = 0;
    this.redraw();
  }

  /** Tell in the list that events are missing: `first` to `last` had been deleted before they could be read. */
  addGap(first, last) {
    this.add([{ gap: `Events ${format.count(first)} to ${format.count(last)} were deleted before this page could read them.` }]);
    this.#received -= 1;
  }

  filter(passes) {
    this.#passes = (event) => event.gap !== undefined || passes(event);
    this.redraw();
  }

  redraw() {
    const matching = this.#events.filter(this.#passes);
    this.#matching = matching.length;
    this.#body.replaceChildren(...matching.slice(-ROWS).reverse().map(row));
    this.#drawSoon();
  }

  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    const fresh = this.#coming.filter(this.#passes);
    for (const event of this.#coming) this.#events.push(event);
    this.#coming = [];
    if (this.#events.length > KEPT * 1.1) this.#events.splice(0, this.#events.length - KEPT);
    this.#matching += fresh.length;
    if (fresh.length) {
      const rows = document.createDocumentFragment();
      rows.append(...fresh.slice(-ROWS).reverse().map(row));
      this.#body.prepend(rows);
      while (this.#body.children.length > ROWS) this.#body.lastElementChild.remove();
    }
    this.section.querySelector("#received").textContent = format.count(this.#received);
    this.section.querySelector("#shown").textContent = format.count(Math.min(this.#matching, this.#received));
    const empty = this.section.querySelector("#empty");
    empty.hidden = this.#body.children.length > 0;
    empty.textContent = this.#received ? "No event passes the filters." : "No events yet.";
  }
}

function row(event) {
  const line = document.createElement("tr");
  if (event.gap !== undefined) {
    line.className = "gap";
    line.append(cell(event.gap));
    line.firstChild.colSpan = 7;
    return line;
  }
  const ticker = document.createElement("button");
  ticker.type = "button";
  ticker.textContent = event.ticker;
  ticker.title = `Show the prices of ${event.ticker}`;
  const time = document.createElement("time");
  const fraction = document.createElement("span");
  fraction.className = "fraction";
  fraction.textContent = format.fraction(event.emitted_at);
  time.append(format.clock(event.emitted_at), fraction);
  time.title = `${format.moment(event.emitted_at)}, event ${event.sequence}`;
  const kind = document.createElement("span");
  kind.className = `kind ${event.direction > 0 ? "up" : event.direction < 0 ? "down" : ""}`;
  kind.textContent = event.kind;
  line.append(
    cell(time, "time"),
    cell(ticker, "ticker"),
    cell(kind, "event"),
    cell(format.price(event.price), "number"),
    cell(format.percent(event.percent_change), "number change"),
    cell(detail(event), "detail"),
    cell(event.source, "source"),
  );
  line.dataset.sequence = event.sequence;
  return line;
}

function cell(content, className = "") {
  const data = document.createElement("td");
  data.className = className;
  data.append(content);
  return data;
}

function detail(event) {
  const words = phrases(event);
  if (event.merged > 1) words.push(`${event.merged} merged`);
  return words.join(" · ");
}
