// The page: joins what the connection tells with what is drawn.

import { Chart } from "./chart.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Feed, SOURCES } from "./feed.js";
import * as format from "./format.js";
import { declare } from "./kinds.js";
import "./keys.js";
import { drawStatus } from "./panels.js";
import { Presence } from "./presence.js";
import { ask, useToken } from "./server.js";
import { Universes } from "./universes.js";

const HISTORY = 2_000; // past events that a page begins with
const STATUS_MS = 1_000;
const ANSWER_MS = 4_000; // a server that takes longer for its status is said not to answer

const byId = (id) => document.getElementById(id);

const chart = new Chart(byId("chart"), byId("chart-note"));
const feed = new Feed(byId("feed"), choose);
const controls = new Controls();
const connection = new Connection(HISTORY);
const presence = new Presence();
const universes = new Universes(byId("universe"), applyFilters);
const knownTickers = new Set();
let tried = false; // whether the user has typed a token since the server last took one
let marketTime = null;
let refreshing = false;
let told = 0; // messages with a time so far: an answer that was asked for before one of them has an older time

// --- what the server tells -------------------------------------------------------------------------------------------

connection.addEventListener("state", ({ detail }) => {
  presence.state = detail;
  if (detail === "token needed") askForToken();
  else if (detail === "live") {
    tried = false;
    byId("token").value = "";
    byId("token-form").hidden = true;
    refresh();
  }
});

presence.addEventListener("change", () => (controls.stale = presence.stale));

connection.addEventListener("hello", ({ detail: hello }) => {
  byId("title").textContent = hello.about.title ?? "";
  byId("run").textContent = `run ${hello.run} · ${hello.server}`;
  document.title = hello.about.title ? `${hello.about.title} · tickstock` : "tickstock";
  declare(hello);
  chart.restyle(); // the marks are those of the declared kinds
  for (const kind of hello.kinds) addChoice("kinds", kind);
  for (const source of SOURCES) addChoice("sources", source);
  universes.offer(hello.universes);
  feed.log = { first: hello.first_sequence, last: hello.last_sequence };
  presence.heard();
  controls.offered = hello.features.control;
  chart.keepsPrices = hello.features.prices;
});

connection.addEventListener("events", ({ detail: events }) => {
  feed.add(events);
  chart.add(events);
  for (const event of events) {
    if (!knownTickers.has(event.ticker)) knowTicker(event.ticker);
    addChoice("kinds", event.kind);
    addChoice("sources", event.source);
  }
  told += 1;
  drawTime(events.at(-1).emitted_at);
  presence.heard();
});

connection.addEventListener("heartbeat", ({ detail: beat }) => {
  told += 1;
  if (beat.market.time !== null) drawTime(beat.market.time, beat.market.phase);
  presence.heard(beat.health);
});

connection.addEventListener("restart", ({ detail }) => {
  feed.restart(detail.run, detail.from);
  knownTickers.clear();
  byId("known-tickers").replaceChildren();
  chart.show(byId("ticker").value);
});

connection.addEventListener("gap", ({ detail }) => feed.addGap(detail));
connection.addEventListener("alert", () => refresh());
connection.addEventListener("problem", ({ detail }) => (presence.problem = detail));

/** Draw where the market is; without a phase, which events have of their own time, the one told before stands. */
function drawTime(time, phase = marketTime?.phase) {
  marketTime = { time, phase };
  byId("market-time").textContent = format.moment(time);
  byId("phase").hidden = !phase;
  byId("phase").textContent = phase ?? "";
}

async function refresh() {
  if (document.hidden || !presence.connected || refreshing) return;
  refreshing = true;
  const before = told;
  try {
    const status = await ask("/status", undefined, ANSWER_MS);
    drawStatus(status);
    feed.log = { first: status.server.first_sequence, last: status.server.last_sequence };
    if (status.market.time !== null) drawTime(told > before && marketTime ? marketTime.time : status.market.time, status.market.phase);
    presence.heard(status.health, status.system_overview?.status);
  } catch {
    presence.unanswered();
    return;
  } finally {
    refreshing = false;
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

/** Return the tickers that the user typed, as the run writes those that it has. */
function typedTickers() {
  const known = new Map([...knownTickers].map((ticker) => [ticker.toUpperCase(), ticker]));
  const typed = byId("tickers").value.toUpperCase().split(/[\s,]+/).filter(Boolean);
  return typed.map((ticker) => known.get(ticker) ?? ticker);
}

function applyFilters() {
  const [kinds, sources] = [chosen("kinds"), chosen("sources")];
  const tickers = new Set(typedTickers());
  const universe = universes.tickers;
  const priority = Number(byId("priority").value) || Infinity;
  const query = {
    kinds: [...kinds].join(),
    sources: [...sources].join(),
    tickers: [...tickers].join(),
    universe: universe ? byId("universe").value : "",
    min_priority: byId("priority").value,
  };
  feed.filter(
    (event) =>
      (!kinds.size || kinds.has(event.kind)) &&
      (!sources.size || sources.has(event.source)) &&
      (!tickers.size || tickers.has(event.ticker)) &&
      (!universe || universe.has(event.ticker)) &&
      event.priority <= priority,
    Object.fromEntries(Object.entries(query).filter(([, value]) => value)),
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
  presence.redraw();
  refresh();
});

byId("theme").value = localStorage.getItem("tickstock.theme") ?? "auto";
byId("theme").addEventListener("change", (change) => {
  localStorage.setItem("tickstock.theme", change.target.value);
  if (change.target.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = change.target.value;
  chart.restyle();
});

// --- a server that asks for a token ----------------------------------------------------------------------------------

function askForToken() {
  byId("token-note").textContent = tried
    ? "The server refused this token."
    : "This server asks for a token. Whoever started it has one.";
  byId("token-form").hidden = false;
  byId("token").select();
  byId("token").focus();
}

byId("token-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  tried = true;
  useToken(byId("token").value.trim());
  connection.open();
});

connection.open();
