"use strict";

document.body.classList.add("scripted");

// One horizon is shown at a time, the same one in all sections.
function show(horizon) {
  for (const button of document.querySelectorAll(".choices [data-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === horizon));
  }
  for (const view of document.querySelectorAll(".view")) view.hidden = view.dataset.view !== horizon;
}

for (const button of document.querySelectorAll(".choices [data-choice]")) {
  button.addEventListener("click", () => {
    const before = button.getBoundingClientRect().top;
    show(button.dataset.choice);
    scrollBy(0, button.getBoundingClientRect().top - before); // what is read stays where it is
  });
}
const first = document.querySelector('.choices [aria-pressed="true"]');
if (first) show(first.dataset.choice);

// A click on a heading sorts its table; bodies move as a whole, so that a row keeps what belongs to it.
function figure(text) {
  const plain = text.replaceAll(/[,$+]/g, "").replace("\u2212", "-").replace(/^[[<] ?/, "");
  const number = parseFloat(plain);
  return Number.isNaN(number) ? null : number;
}

function key(row, column) {
  const cell = row.cells[column];
  const value = cell.querySelector("[data-key]")?.dataset.key;
  const text = value ?? cell.textContent.trim();
  return cell.classList.contains("number") || value !== undefined ? figure(text) : text;
}

function sort(table, column) {
  const heading = table.tHead.rows[0].cells[column];
  const falling = heading.getAttribute("aria-sort") === "descending";
  const sign = falling ? 1 : -1;
  const many = table.tBodies.length > 1;
  const parts = many ? [...table.tBodies] : [...table.tBodies[0].rows];
  const keyed = parts.map((part) => [key(many ? part.rows[0] : part, column), part]);
  keyed.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null); // unknown ones last
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  });
  (many ? table : table.tBodies[0]).append(...keyed.map(([, part]) => part));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falling ? "ascending" : "descending");
}

for (const heading of document.querySelectorAll("table.sortable thead th")) {
  heading.tabIndex = 0;
  const act = () => sort(heading.closest("table"), heading.cellIndex);
  heading.addEventListener("click", act);
  heading.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      act();
    }
  });
}

// The pointer over a chart reads the values of the place nearest to it.
const reading = document.body.appendChild(document.createElement("div"));
reading.id = "reading";
reading.hidden = true;
const cursor = document.createElement("i");
cursor.className = "cursor";

for (const plot of document.querySelectorAll(".plot[data-hover]")) {
  let places = null;
  plot.addEventListener("pointermove", (event) => {
    places ??= JSON.parse(plot.dataset.hover);
    if (!places.length) return;
    const box = plot.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width;
    const [share, text] = places.reduce((best, place) => (Math.abs(place[0] - at) < Math.abs(best[0] - at) ? place : best));
    if (cursor.parentNode !== plot) plot.append(cursor);
    cursor.style.left = `${100 * share}%`;
    reading.textContent = text;
    reading.hidden = false;
    const left = box.left + share * box.width + 10;
    const room = document.documentElement.clientWidth - reading.offsetWidth - 8;
    reading.style.left = `${scrollX + Math.max(4, left <= room ? left : left - 20 - reading.offsetWidth)}px`;
    reading.style.top = `${scrollY + box.top + 4}px`;
  });
  plot.addEventListener("pointerleave", () => {
    reading.hidden = true;
    cursor.remove();
  });
}

document.body.dataset.drawn = "true";
