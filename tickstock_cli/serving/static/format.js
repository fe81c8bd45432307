// Times, prices and counts as text. Times come as nanoseconds since 1970; a double is exact to 256 of them.

let zone = localStorage.getItem("tickstock.zone") ?? "America/New_York";
let formats = makeFormats();

function makeFormats() {
  const timeZone = zone === "local" ? undefined : zone;
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone };
  return {
    clock: new Intl.DateTimeFormat("en-GB", clock),
    moment: new Intl.DateTimeFormat("en-CA", { ...clock, year: "numeric", month: "2-digit", day: "2-digit" }),
  };
}

export function chosenZone() {
  return zone;
}

export function chooseZone(name) {
  zone = name;
  formats = makeFormats();
  localStorage.setItem("tickstock.zone", name);
}

export const timeZone = () => (zone === "local" ? undefined : zone);
export const clock = (ns) => formats.clock.format(ns / 1e6);
export const fraction = (ns) => `.${String(Math.floor(ns / 1e6) % 1000).padStart(3, "0")}`;
export const clockOfSeconds = (seconds) => formats.clock.format(seconds * 1000);

export function moment(ns) {
  return formats.moment.format(ns / 1e6).replace(",", "");
}

export const date = (ns) => moment(ns).slice(0, 10);

/** Give the moment (ms) at which clocks of the zone in use show a time of day, on the date of `ns`; null if it is none. */
export function timeOfDay(text, ns) {
  const told = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/.exec(text.trim());
  if (!told || !ns || told[1] > 23 || told[2] > 59 || (told[3] ?? 0) >= 60) return null;
  const seconds = 3600 * told[1] + 60 * told[2] + Number(told[3] ?? 0);
  const shown = Date.parse(`${date(ns)}T00:00Z`) + 1000 * seconds; // as if the zone were UTC
  const ahead = (ms) => Date.parse(`${moment(ms * 1e6).replace(" ", "T")}Z`) - 1000 * Math.floor(ms / 1000);
  return shown - ahead(shown - ahead(shown)); // twice: clocks may be changed in between
}

/** Give a time that the server wrote as ISO 8601: with its date, or the time of day. */
export const momentOf = (text) => moment(Date.parse(text) * 1e6);
export const clockOf = (text) => clock(Date.parse(text) * 1e6);

/** Give a text of the server with its times, which it writes as ISO 8601 in UTC, in the zone in use. */
export const inZone = (text) => text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/g, momentOf);

/** Read a speed: 20, 20x, 20× or max; null if it is none. */
export function speed(text) {
  const told = text.trim().toLowerCase();
  if (told === "max") return "max";
  const number = Number(told.replace(/\s*[x×]$/, "").replaceAll(",", "") || NaN);
  return number > 0 && Number.isFinite(number) ? number : null;
}

export function price(value) {
  if (value === null || value === undefined) return "";
  const digits = Math.abs(value) < 1 ? 4 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: 4 });
}

export function percent(value) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value).toFixed(Math.abs(value) < 10 ? 2 : 1);
  return `${value < 0 ? "−" : "+"}${size} %`;
}

export function count(value) {
  return value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en-US");
}

export function compact(value) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 });
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  return value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(2)} GiB` : `${Math.round(value / 2 ** 20)} MiB`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US")} ms`;
}

/** Give how old a row is: in ms below a second, else as a duration; a recording that is played is months old. */
export const age = (ms) => (Math.abs(ms) < 1000 ? milliseconds(ms) : duration(ms / 1000));

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}
