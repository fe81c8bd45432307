// The system's figures and its alerts: drawn from /status.

import * as format from "./format.js";

const byId = (id) => document.getElementById(id);

export function drawStatus(status) {
  drawOverview(status);
  drawSource(status.system_overview?.arrivals);
  drawChannels(status.channel_details ?? {});
  drawSides(status.system_overview?.rollout);
  drawAlerts(status.active_alerts ?? [], status.recent_alerts ?? [], Date.parse(status.system_overview?.time));
}

function drawOverview(status) {
  const overview = status.system_overview ?? {};
  const memory = overview.memory_limit_bytes
    ? `${format.bytes(overview.memory_bytes)} of ${format.bytes(overview.memory_limit_bytes)}`
    : format.bytes(overview.memory_bytes);
  const figures = [
    ["Rows/s", overview.rows_per_second === undefined ? undefined : format.compact(overview.rows_per_second)],
    ["Events/s", overview.events_per_second === undefined ? undefined : format.compact(overview.events_per_second)],
    ["Rows", overview.rows === undefined ? undefined : format.count(overview.rows)],
    ["Events", format.count(overview.events ?? status.server.last_sequence)],
    ["Memory", overview.memory_bytes === undefined ? undefined : memory],
    ["Uptime", overview.uptime_seconds === undefined ? undefined : format.duration(overview.uptime_seconds)],
    ["Clients", format.count(status.server.clients)],
    ...Object.entries(overview.problems ?? {}),
  ];
  byId("overview").replaceChildren(...pairs(figures));
}

/** Draw the source of a live run: its state and since when, and what has come of it. */
function drawSource(arrivals) {
  byId("source").hidden = !arrivals;
  if (!arrivals) return;
  const { source, queue } = arrivals;
  const { subscriptions_wanted: wanted, last_gap: gap } = source;
  const since = source.since ? ` since ${format.momentOf(source.since)}` : "";
  setText(byId("source-state"), `${source.doing ?? source.state}${since}`);
  byId("source-state").dataset.state = source.state;
  byId("source-problem").hidden = !source.problem;
  setText(byId("source-problem"), format.inZone(source.problem ?? ""));
  byId("source-figures").replaceChildren(
    ...pairs([
      ["Lag", source.lag_ms === null ? undefined : format.age(source.lag_ms)],
      ["Wanted", wanted === null ? undefined : format.count(wanted)],
      ["Acknowledged", wanted === null ? undefined : format.count(source.subscriptions_acknowledged ?? 0)],
      ["Silent", wanted === null ? undefined : format.count(source.subscriptions_silent ?? 0)],
      ["Gaps today", source.gaps_today === null ? undefined : format.count(source.gaps_today)],
      ["Last gap", gap ? `${format.clockOf(gap.begin)} to ${gap.end === null ? "now" : format.clockOf(gap.end)}` : undefined],
      ["Reconnects", source.reconnects || undefined],
      ...relayed(source.relay),
      ["Arrived", format.count(arrivals.received)],
      ["Waiting", format.count(queue.depth + queue.spilled)],
    ]),
  );
}

/** The figures of the relay to local clients; none without one. */
function relayed(relay) {
  if (!relay) return [];
  return [
    ["Relay clients", format.count(relay.clients)],
    ["Relay cut off", relay.cut_off ? format.count(relay.cut_off) : undefined],
    ["Relay dropped", relay.dropped ? format.count(relay.dropped) : undefined],
  ];
}

function pairs(figures) {
  const told = figures.filter(([, value]) => value !== undefined && value !== null);
  return told.map(([name, value]) => pair(name, value));
}

function pair(name, value) {
  const group = document.createElement("div");
  group.append(element("dt", name), element("dd", value));
  return group;
}

function drawChannels(details) {
  const names = Object.keys(details);
  byId("channels").hidden = names.length === 0;
  byId("channels").tBodies[0].replaceChildren(...names.map((name) => channelRow(name, details[name])));
}

function channelRow(name, channel) {
  const line = document.createElement("tr");
  const head = element("th", name);
  head.scope = "row";
  const latency = channel.recent?.latency_ms ?? {};
  const success = channel.recent?.success_rate ?? channel.whole?.success_rate;
  line.append(
    head,
    labelled("Status", pill(channel.status)),
    labelled("Queue", queueBar(channel.queue)),
    labelled("p50 / p99", `${format.milliseconds(latency.p50)} / ${format.milliseconds(latency.p99)}`, "number"),
    labelled("Rows/s", format.compact(channel.recent?.rows_per_second), "number"),
    labelled("Success", percent(success), "number"),
    labelled("Breaker", pill(channel.breaker?.state ?? "–")),
  );
  return line;
}

/** Draw both sides of a gradual rollout beside each other. */
function drawSides(rollout) {
  const table = byId("sides");
  table.hidden = !rollout;
  if (!rollout) return;
  const fallen = Object.keys(rollout.fallen).length;
  const back = fallen ? `; ${format.count(fallen)} fell back to the linear path` : "";
  table.caption.textContent = `Rollout: ${rollout.percent} % of the tickers, ${rollout.shards} of 64 shards${back}`;
  table.tBodies[0].replaceChildren(...["multi", "linear"].map((side) => sideRow(side, rollout[side])));
}

function sideRow(name, side) {
  const line = document.createElement("tr");
  const head = element("th", name);
  head.scope = "row";
  const latency = side.latency_ms;
  line.append(
    head,
    labelled("Tickers", format.count(side.tickers), "number"),
    labelled("Rows", format.count(side.processed), "number"),
    labelled("Events", format.count(side.events), "number"),
    labelled("p50 / p99", `${format.milliseconds(latency.p50)} / ${format.milliseconds(latency.p99)}`, "number"),
    labelled("Success", percent(side.success_rate), "number"),
  );
  return line;
}

/** Write a share; never rounded up to a whole that it is not. */
function percent(share) {
  return share === null || share === undefined ? "–" : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

function queueBar(queue) {
  if (!queue) return "–";
  const whole = document.createElement("span");
  whole.className = "queue";
  const bar = document.createElement("meter");
  Object.assign(bar, { min: 0, max: queue.limit, high: 0.7 * queue.limit, optimum: 0, value: queue.depth });
  const text = `${format.count(queue.depth)}/${format.count(queue.limit)}`;
  bar.setAttribute("aria-label", `${text} rows`);
  whole.append(bar, text);
  if (queue.spilled) whole.append(element("small", `+${format.count(queue.spilled)} on disk`));
  whole.title = `at most ${format.count(queue.max_depth)} so far`;
  return whole;
}

function pill(state) {
  const shown = element("span", String(state).replace("_", " "));
  shown.className = "pill";
  shown.dataset.state = state;
  return shown;
}

function labelled(label, content, className = "") {
  const data = element("td", content);
  data.dataset.label = label;
  data.className = className;
  return data;
}

function drawAlerts(active, recent, now) {
  const over = recent.filter((alert) => alert.resolved_at).reverse();
  byId("active-alerts").replaceChildren(
    ...(active.length ? active.map((alert) => alertLine(alert, now)) : [element("li", "None.")]),
  );
  byId("recent-alerts").replaceChildren(...over.map((alert) => alertLine(alert, now)));
  byId("recent").hidden = over.length === 0;
  byId("recent").querySelector("summary").textContent = `Resolved: ${over.length}`;
  const pillOfCount = byId("alert-count");
  pillOfCount.hidden = active.length === 0;
  pillOfCount.textContent = active.length;
  pillOfCount.dataset.state = active[0]?.severity ?? "";
}

/** Return the line of an alert; an active one stays for a while after its condition held last. */
function alertLine(alert, now) {
  const line = document.createElement("li");
  const since = element("small", `since ${format.momentOf(alert.raised_at)}`);
  if (alert.resolved_at) since.textContent = `until ${format.momentOf(alert.resolved_at)}`;
  else if (Date.parse(alert.seen_at) < now) since.append(`, not since ${format.clockOf(alert.seen_at)}`);
  line.append(pill(alert.resolved_at ? alert.worst_severity : alert.severity), ` ${format.inZone(alert.message)} `, since);
  line.title = alert.type;
  return line;
}

function setText(part, text) {
  if (part.textContent !== text) part.textContent = text; // what stays as it is can be selected
}

function element(name, content) {
  const made = document.createElement(name);
  made.append(content);
  return made;
}
