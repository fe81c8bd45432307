// The page: joins what the connection tells with what is drawn.

import { Chart } from "./chart.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Feed, SOURCES } from "./feed.js";
import * as format from "./format.js";
import { declare } from "./kinds.js";
import { drawStatus } from "./panels.js";
import { ask } from "./server.js";
import { Universes } from "./universes.js";

const HISTORY = 2_000; // past events that a page begins with
const STATUS_MS = 1_000;

const byId = (id) => document.getElementById(id);

const chart = new Chart(byId("chart"), byId("chart-note"));
const feed = new Feed(byId("feed"), choose);
const controls = new Controls();
const connection = new Connection(HISTORY);
const universes = new Universes(byId("universe"), applyFilters);
const knownTickers = new Set();
let marketTime = null;

// --- what the server tells -------------------------------------------------------------------------------------------

connection.addEventListener("state", ({ detail }) => {
  byId("connection").textContent = detail;
  byId("connection").dataset.state = detail;
});

connection.addEventListener("hello", ({ detail: hello }) => {
  byId("title").textContent = hello.about.title ?? "";
  byId("run").textContent = `run ${hello.run} · ${hello.server}`;
  document.title = hello.about.title ? `${hello.about.title} · tickstock` : "tickstock";
  declare(hello);
  chart.restyle(); // the marks are those of the declared kinds
  for (const kind of hello.kinds) addChoice("kinds", kind);
  for (const source of SOURCES) addChoice("sources", source);
  universes.offer(hello.universes);
  controls.offered = hello.features.control;
  chart.keepsPrices = hello.features.prices;
  refresh();
});

connection.addEventListener("events", ({ detail: events }) => {
  feed.add(events);
  chart.add(events);
  for (const event of events) {
    if (!knownTickers.has(event.ticker)) knowTicker(event.ticker);
    addChoice("kinds", event.kind);
    addChoice("sources", event.source);
  }
  drawTime(events.at(-1).emitted_at, events.at(-1).phase);
});

connection.addEventListener("heartbeat", ({ detail: beat }) => {
  if (beat.market.time !== null) drawTime(beat.market.time, beat.market.phase);
  drawHealth(beat.health);
});

connection.addEventListener("restart", () => {
  feed.clear();
  knownTickers.clear();
  byId("known-tickers").replaceChildren();
  chart.show(byId("ticker").value);
});

connection.addEventListener("gap", ({ detail }) => feed.addGap(detail.first, detail.last));
connection.addEventListener("alert", () => refresh());
connection.addEventListener("problem", ({ detail }) => {
  byId("connection").textContent = detail;
  byId("connection").dataset.state = "error";
});

function drawTime(time, phase) {
  marketTime = { time, phase };
  byId("market-time").textContent = format.moment(time);
  byId("phase").hidden = !phase;
  byId("phase").textContent = phase ?? "";
}

function drawHealth(health) {
  const pill = byId("health");
  pill.hidden = false;
  pill.dataset.state = health.ok ? "healthy" : "unhealthy";
  pill.textContent = health.ok ? "healthy" : health.reasons.join("; ") || "not well";
}

async function refresh() {
  if (document.hidden) return;
  try {
    const status = await ask("/status");
    drawStatus(status);
    drawHealth(status.health);
    if (status.market.time !== null) drawTime(status.market.time, status.market.phase);
  } catch {
    return; // the connection's state says it already
  }
  controls.refresh();
}

setInterval(refresh, STATUS_MS);
document.addEventListener("visibilitychange", refresh);

// --- what the user chooses -------------------------------------------------------------------------------------------

function knowTicker(ticker) {
  knownTickers.add(ticker);
  const option = document.createElement("option");
  option.value = ticker;
  byId("known-tickers").append(option);
}

function choose(ticker) {
  byId("ticker").value = ticker;
  byId("chart-title").textContent = ticker ? `Prices of ${ticker}` : "Prices";
  chart.show(ticker);
}

byId("ticker").addEventListener("change", (change) => choose(change.target.value.trim().toUpperCase()));

function addChoice(id, name) {
  const box = byId(id);
  if (box.querySelector(`input[value="${CSS.escape(name)}"]`)) return;
  const label = document.createElement("label");
  const tick = document.createElement("input");
  Object.assign(tick, { type: "checkbox", name: id, value: name });
  label.append(tick, ` ${name}`);
  box.append(label);
}

function chosen(id) {
  return new Set([...byId(id).querySelectorAll("input:checked")].map((tick) => tick.value));
}

function applyFilters() {
  const [kinds, sources] = [chosen("kinds"), chosen("sources")];
  const tickers = new Set(byId("tickers").value.toUpperCase().split(/[\s,]+/).filter(Boolean));
  const universe = universes.tickers;
  const priority = Number(byId("priority").value) || Infinity;
  feed.filter(
    (event) =>
      (!kinds.size || kinds.has(event.kind)) &&
      (!sources.size || sources.has(event.source)) &&
      (!tickers.size || tickers.has(event.ticker.toUpperCase())) &&
      (!universe || universe.has(event.ticker)) &&
      event.priority <= priority,
  );
}

byId("filters").addEventListener("input", applyFilters);
byId("filters").addEventListener("reset", () => setTimeout(applyFilters));
byId("filters").addEventListener("submit", (submit) => submit.preventDefault());

byId("zone").value = format.chosenZone();
byId("zone").addEventListener("change", (change) => {
  format.chooseZone(change.target.value);
  feed.redraw();
  chart.restyle();
  if (marketTime) drawTime(marketTime.time, marketTime.phase);
  refresh();
});

byId("theme").value = localStorage.getItem("tickstock.theme") ?? "auto";
byId("theme").addEventListener("change", (change) => {
  localStorage.setItem("tickstock.theme", change.target.value);
  if (change.target.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = change.target.value;
  chart.restyle();
});

connection.open();
