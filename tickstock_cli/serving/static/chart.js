// The line of one ticker with its events marked. Prices are those of the events, and, where the run keeps prices, those.

import { ask } from "./server.js";
import * as format from "./format.js";
import { markPrice, marks as declaredMarks } from "./kinds.js";

const MOST_MARKS = 10_000;
const PRICES_MS = 3_000; // between two questions for the prices that the run keeps
const HEIGHT = 260;
const LONE_SECONDS = 30; // around a moment that is the only one
const LONE_SHARE = 0.005; // of a price that is the only one

export class Chart {
  #holder;
  #note;
  #plot = null;
  #ticker = "";
  #line = []; // {time (s), price}: prices that the run keeps, in order of time
  #marks = []; // {time (s), price, event}: events, in order of time
  #keepsPrices = false;
  #drawing = false;
  #load = 0;
  #zoomed = false; // a part that the user has chosen stays where it is

  constructor(holder, note) {
    this.#holder = holder;
    this.#note = note;
    new ResizeObserver(() => this.#resize()).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    setInterval(() => this.#refreshLine(), PRICES_MS);
  }

  /** Tell whether the server gives prices between events. */
  set keepsPrices(keeps) {
    this.#keepsPrices = keeps;
  }

  async show(ticker) {
    const load = ++this.#load;
    this.#ticker = ticker;
    this.#line = [];
    this.#marks = [];
    this.restyle();
    if (!ticker) return;
    try {
      const history = await events(ticker);
      if (load !== this.#load) return;
      const known = new Set(history.map((event) => event.sequence));
      this.#marks = [...history.map(mark), ...this.#marks.filter((live) => !known.has(live.event.sequence))];
      await this.#refreshLine();
      this.#drawSoon();
    } catch (problem) {
      if (load === this.#load) this.#note.textContent = problem.message;
    }
  }

  async #refreshLine() {
    if (!this.#keepsPrices || !this.#ticker || document.hidden) return;
    const load = this.#load;
    try {
      const { times, prices } = await ask(`/api/prices?ticker=${encodeURIComponent(this.#ticker)}`);
      if (load !== this.#load) return;
      this.#line = times.map((time, place) => ({ time: time / 1e9, price: prices[place] }));
      this.#drawSoon();
    } catch {
      // the connection's state says it already
    }
  }

  add(events) {
    const own = events.filter((event) => event.ticker === this.#ticker);
    if (!own.length) return;
    this.#marks.push(...own.map(mark));
    if (this.#marks.length > MOST_MARKS) this.#marks.splice(0, this.#marks.length - MOST_MARKS);
    this.#drawSoon();
  }

  /** Draw anew: after another choice of colours or times. */
  restyle() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#draw();
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
    const points = [...this.#line, ...this.#marks].sort((one, other) => one.time - other.time);
    this.#note.hidden = points.length > 0;
    this.#note.textContent = this.#ticker
      ? `No prices of ${this.#ticker} yet.`
      : "Choose a ticker, here or in the list of events.";
    if (!points.length) return;
    const data = columns(points);
    if (this.#plot === null) {
      this.#zoomed = false;
      this.#plot = new uPlot(options(this.#holder.clientWidth, this.#ticker, (zoomed) => (this.#zoomed = zoomed)), data, this.#holder);
    } else {
      this.#plot.setData(data, !this.#zoomed);
      if (this.#zoomed) this.#plot.redraw();
    }
  }

  #resize() {
    if (this.#plot && this.#holder.clientWidth) this.#plot.setSize({ width: this.#holder.clientWidth, height: HEIGHT });
  }
}

async function events(ticker) {
  const found = [];
  const name = encodeURIComponent(ticker);
  let from = "first";
  for (;;) {
    const page = await ask(`/api/events?tickers=${name}&from=${from}&limit=10000`);
    found.push(...page.events);
    if (page.next > page.last_sequence || found.length >= MOST_MARKS) return found.slice(-MOST_MARKS);
    from = page.next;
  }
}

function mark(event) {
  return { time: event.timestamp / 1e9, price: markPrice(event), event };
}

function columns(points) {
  const marks = declaredMarks().map(({ kind }) => points.map((point) => (point.event?.kind === kind ? point.event.price : null)));
  return [points.map((point) => point.time), points.map((point) => point.price), ...marks];
}

function options(width, ticker, zoom) {
  const axis = {
    stroke: colour("var(--quiet)"),
    grid: { stroke: colour("var(--line)"), width: 1 },
    ticks: { stroke: colour("var(--line)"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  // Shape as well as colour tells kinds apart.
  const marks = declaredMarks().map(({ kind, shape, light, dark }) => {
    const ink = colour(`light-dark(${light}, ${dark})`);
    return {
      label: kind,
      stroke: ink,
      fill: ink,
      paths: () => null,
      points: { show: true, size: 9, stroke: ink, fill: ink, paths: shapes[shape] },
      value: (_, value) => format.price(value) || "–",
    };
  });
  return {
    width,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), format.timeZone() ?? localZone),
    axes: [{ ...axis, space: 70, values: clockValues }, { ...axis, size: 62, values: (_, values) => values.map(format.price) }],
    scales: { x: { time: true, range: timeRange }, y: { range: priceRange } },
    series: [
      { label: "time", value: (_, seconds) => (seconds ? format.clockOfSeconds(seconds) : "–") },
      {
        label: ticker,
        stroke: colour("var(--accent)"),
        width: 1.5,
        spanGaps: true,
        points: { show: false },
        value: (_, value) => format.price(value) || "–",
      },
      ...marks,
    ],
    cursor: { points: { show: false } },
    hooks: {
      setSelect: [(plot) => zoom(plot.select.width > 0)],
      ready: [(plot) => plot.over.addEventListener("dblclick", () => zoom(false))],
    },
  };
}

/** Return a colour as the canvas takes it: of a light and a dark one, the one in use. */
function colour(value) {
  const probe = document.getElementById("chart");
  probe.style.color = value;
  const found = getComputedStyle(probe).color;
  probe.style.color = "";
  return found;
}

const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// One moment, and one price, get some room; by itself the library would take days, and zero to twice the price.
function timeRange(plot, first, last) {
  const times = plot.data[0];
  return times[0] === times.at(-1) ? [times[0] - LONE_SECONDS, times[0] + LONE_SECONDS] : [first, last];
}

function priceRange(_, lowest, highest) {
  if (lowest === null || lowest < highest) return lowest === null ? [null, null] : uPlot.rangeNum(lowest, highest, 0.1, true);
  const room = Math.abs(lowest) * LONE_SHARE || 1;
  return [lowest - room, highest + room];
}

function clockValues(_, splits) {
  return splits.map((seconds) => format.clockOfSeconds(seconds).replace(/:00$/, ""));
}

const shapes = {
  up: (plot, series, first, last) => draw(plot, series, first, last, [[0, -1], [1, 0.8], [-1, 0.8]]),
  down: (plot, series, first, last) => draw(plot, series, first, last, [[0, 1], [1, -0.8], [-1, -0.8]]),
  diamond: (plot, series, first, last) => draw(plot, series, first, last, [[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]]),
  square: (plot, series, first, last) => draw(plot, series, first, last, [[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]]),
  circle: (plot, series, first, last) => draw(plot, series, first, last, null),
};

function draw(plot, series, first, last, corners) {
  const radius = 4.5 * devicePixelRatio;
  const path = new Path2D();
  for (let place = first; place <= last; place++) {
    const value = plot.data[series][place];
    if (value === null || value === undefined) continue;
    const x = plot.valToPos(plot.data[0][place], "x", true);
    const y = plot.valToPos(value, "y", true);
    if (corners === null) {
      path.moveTo(x + radius, y);
      path.arc(x, y, radius * 0.9, 0, 2 * Math.PI);
      continue;
    }
    corners.forEach(([right, below], corner) => {
      path[corner ? "lineTo" : "moveTo"](x + right * radius, y + below * radius);
    });
    path.closePath();
  }
  return { fill: path, stroke: null, clip: null, flags: 3 };
}
