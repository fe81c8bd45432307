// One row of the list of events.

import * as format from "./format.js";
import { phrases } from "./kinds.js";

/** Return the table row of an event, or of a gap in the log. */
export function row(event) {
  const line = document.createElement("tr");
  if (event.gap !== undefined) {
    line.className = "gap";
    line.append(cell(event.gap));
    line.firstChild.colSpan = 7;
    return line;
  }
  const ticker = document.createElement("button");
  ticker.type = "button";
  ticker.tabIndex = -1; // the list is one stop of the tab key; arrow keys go through it
  ticker.textContent = event.ticker;
  ticker.title = `Show the prices of ${event.ticker}`;
  const time = document.createElement("time");
  const fraction = document.createElement("span");
  fraction.className = "fraction";
  fraction.textContent = format.fraction(event.emitted_at);
  const date = document.createElement("span");
  date.className = "date";
  line.dataset.date = date.textContent = format.date(event.emitted_at);
  time.append(date, format.clock(event.emitted_at), fraction);
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

/** Mark the rows above which no row, or one of another date, stands: they show their date, unless all rows have one. */
export function markDates(body) {
  const lines = [...body.children].filter((line) => line.dataset.date);
  const several = lines.some((line) => line.dataset.date !== lines[0].dataset.date);
  lines.forEach((line, place) => {
    line.classList.toggle("dated", several && line.dataset.date !== lines[place - 1]?.dataset.date);
  });
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
