// The WebSocket: connects, subscribes, and after a break goes on where it was. Nothing is lost and nothing comes twice:
// every message says which sequence number to ask for next.

import { AnswerError, ask, websocketAddress } from "./server.js";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const SILENT_BEATS = 3; // so many heartbeats missed: the connection is dead, though nobody has said so

export class Connection extends EventTarget {
  #socket = null;
  #wait = FIRST_WAIT_MS;
  #run = null;
  #next = null;
  #history;
  #silence = null;
  #beatMs = 5000;
  #greeted = false;

  /** `history` = how many past events a first connection asks for. Call `open` once, and again with another token. */
  constructor(history) {
    super();
    this.#history = history;
  }

  open() {
    this.#greeted = false;
    const socket = (this.#socket = new WebSocket(websocketAddress()));
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.#take(JSON.parse(message.data));
    };
    socket.onclose = () => this.#retry(socket);
  }

  async #retry(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearTimeout(this.#silence);
    this.#tell("state", "lost");
    if (!this.#greeted && (await this.#refused())) return;
    setTimeout(() => this.open(), this.#wait);
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
  }

  /** Find out why a handshake failed, which a browser does not tell; return whether only another token helps. */
  async #refused() {
    try {
      const { server } = await ask("/status");
      if (server.clients >= server.max_clients) this.#tell("problem", `the server is full: ${server.clients} clients`);
    } catch (problem) {
      if (!(problem instanceof AnswerError)) return false; // nobody is there
      if (problem.status === 401) {
        this.#tell("state", "token needed");
        return true;
      }
      this.#tell("problem", problem.message);
    }
    return false;
  }

  #listen() {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#silence = setTimeout(() => {
      socket.close();
      this.#retry(socket);
    }, SILENT_BEATS * this.#beatMs);
  }

  #take(message) {
    this.#listen();
    if (message.type === "hello") this.#begin(message);
    else if (message.type === "events") {
      this.#next = message.next;
      // Highest priority first, of what came together; the page shows the order of the run.
      this.#tell("events", message.events.sort((one, other) => one.sequence - other.sequence));
    } else if (message.type === "heartbeat") {
      this.#next = message.next ?? this.#next;
      this.#tell("heartbeat", message);
    } else if (message.type === "subscribed") this.#tell("state", "live");
    else if (message.type === "alert") this.#tell("alert", message.alert);
    else if (message.type === "end") this.#tell("state", "finished");
    else if (message.type === "error") this.#recover(message);
  }

  #begin(hello) {
    this.#greeted = true;
    this.#wait = FIRST_WAIT_MS;
    this.#beatMs = hello.heartbeat_seconds * 1000;
    this.#tell("hello", hello);
    if (hello.run !== this.#run) {
      this.#run = hello.run;
      this.#restart(Math.max(hello.first_sequence, hello.last_sequence + 1 - this.#history));
    }
    this.#subscribe();
  }

  #restart(from) {
    this.#next = from;
    this.#tell("restart", { run: this.#run, from });
  }

  #subscribe() {
    this.#socket.send(JSON.stringify({ type: "subscribe", from: this.#next, run: this.#run, alerts: true }));
  }

  #recover(error) {
    if (error.code === "expired") {
      this.#tell("gap", { first: this.#next, last: error.first_sequence - 1 });
      this.#next = error.first_sequence;
      this.#subscribe();
    } else if (error.code === "unreadable" && error.next_sequence) {
      this.#tell("gap", { first: error.first_sequence, last: error.next_sequence - 1, damaged: true });
      this.#next = error.next_sequence;
      this.#subscribe();
    } else if (error.code === "ahead") {
      this.#restart(error.next_sequence);
      this.#subscribe();
    } else this.#tell("problem", error.message);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
