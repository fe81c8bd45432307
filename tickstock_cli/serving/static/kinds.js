// What the server declares of the kinds of events: how a chart marks them, and how a reader is shown what they hold.

import * as format from "./format.js";

const OTHER = { shape: "circle", light: "#5b6470", dark: "#a3adba", at: "price" };

let kinds = new Map();
let units = new Map();

/** Take the declarations of a connection's first message. */
export function declare(hello) {
  kinds = new Map((hello.declared_kinds ?? []).map((kind) => [kind.name, kind]));
  units = new Map(Object.entries(hello.units ?? {}));
}

/** Return the mark of every declared kind, in the order of outputs. */
export function marks() {
  return [...kinds.values()].map(({ name, mark }) => ({ kind: name, ...mark }));
}

/** Return the price at which an event is marked; the line of the chart passes through it. */
export function markPrice(event) {
  return event[(kinds.get(event.kind)?.mark ?? OTHER).at];
}

/** Return the phrases of an event; one whose column is null, or not shown, is left out. */
export function phrases(event) {
  const kind = kinds.get(event.kind);
  if (!kind) return [];
  return [...kind.details, ...kind.more].map((phrase) => write(phrase, event, kind)).filter((text) => text !== null);
}

function write(phrase, event, kind) {
  let whole = true;
  const text = phrase.replace(/{(\w+)}/g, (_, name) => {
    const value = show(event[name], units.get(name) ?? "", kind);
    if (value === "") whole = false;
    return value;
  });
  return whole ? text : null;
}

function show(value, unit, kind) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return kind.words[value] ?? value;
  if (unit === "$") return format.price(value);
  if (unit === "%") return format.percent(value);
  if (unit === "x") return value ? `${value.toFixed(1)}×` : "";
  const number = Number.isInteger(value) || Math.abs(value) >= 1000 ? format.count(Math.round(value)) : value.toPrecision(3);
  return `${number} ${unit}`.trim();
}
