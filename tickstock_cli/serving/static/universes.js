// The choice of a universe: its name comes with hello, its tickers when it is chosen.

import { ask } from "./server.js";

export class Universes {
  #select;
  #changed;
  #tickers = null;

  /** `select` offers the names; `changed` is called when `tickers` are others. */
  constructor(select, changed) {
    this.#select = select;
    this.#changed = changed;
    select.addEventListener("change", () => this.#load());
    select.form.addEventListener("reset", () => setTimeout(() => this.#load()));
  }

  /** The tickers of the universe that is chosen; null = every ticker. */
  get tickers() {
    return this.#tickers;
  }

  offer(names) {
    const chosen = this.#select.value;
    this.#select.replaceChildren(new Option("all", ""), ...names.map((name) => new Option(name, name)));
    this.#select.value = names.includes(chosen) ? chosen : "";
    this.#select.closest("label").hidden = !names.length;
    this.#load();
  }

  async #load() {
    const name = this.#select.value;
    let tickers = null;
    try {
      if (name) tickers = new Set((await ask(`/api/universe?name=${encodeURIComponent(name)}`)).tickers);
    } catch {
      return; // the connection's state says why; the next hello asks again
    }
    if (this.#select.value !== name) return; // another one was chosen meanwhile
    this.#tickers = tickers;
    this.#changed();
  }
}
