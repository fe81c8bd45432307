"use strict";

// Charts take their colours from the style sheet, so that a change of the colour scheme needs no second set of them.
const charts = JSON.parse(document.getElementById("charts").textContent);
const narrow = matchMedia("(max-width: 40rem)");
const dark = matchMedia("(prefers-color-scheme: dark)");
const coarse = matchMedia("(pointer: coarse)");
const probe = document.body.appendChild(document.createElement("span"));
probe.hidden = true;

function colour(name) {
  probe.style.color = name;
  return getComputedStyle(probe).color;
}

function coloured(value) {
  if (typeof value === "string") return value.startsWith("var(--") ? colour(value) : value;
  if (Array.isArray(value)) return typeof value[0] === "object" ? value.map(coloured) : value;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part)]));
}

const AXIS = {
  gridcolor: "var(--line)", linecolor: "var(--line)", zerolinecolor: "var(--line)", automargin: true,
  separatethousands: true, exponentformat: "none",
};

function layoutOf(chart) {
  const layout = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: "var(--text)", size: narrow.matches ? 11 : 12, family: "system-ui, sans-serif" },
    hovermode: "x unified",
    hoverlabel: { bgcolor: "var(--card)", bordercolor: "var(--line)", font: { color: "var(--text)" } },
    margin: { l: narrow.matches ? 40 : 60, r: 12, t: 22, b: narrow.matches ? 90 : 60 },
    legend: { orientation: "h", x: 0, y: 0, yref: "container", yanchor: "bottom" },
    // A finger that scrolls past a chart must not zoom it.
    dragmode: coarse.matches ? false : "zoom",
    height: chart.height,
    ...chart.layout,
  };
  for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
    layout[name] = { ...AXIS, ...layout[name] };
  }
  if (narrow.matches) {
    layout.annotations = (layout.annotations ?? []).filter((note) => note.name !== "narrow");
  }
  return coloured(layout);
}

function draw(chart) {
  const shown = chart.traces.filter((trace) => trace.meta === undefined || trace.meta === chart.chosen);
  Plotly.react(document.getElementById(chart.name), coloured(shown), layoutOf(chart), {
    responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false,
  });
}

function drawAll() {
  charts.forEach(draw);
  document.body.dataset.drawn = String(charts.length);
}

for (const button of document.querySelectorAll("button[data-chart]")) {
  button.addEventListener("click", () => {
    const chart = charts.find((one) => one.name === button.dataset.chart);
    chart.chosen = button.dataset.choice;
    for (const other of button.parentElement.children) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    draw(chart);
  });
}

drawAll();
dark.addEventListener("change", drawAll);
narrow.addEventListener("change", drawAll);
