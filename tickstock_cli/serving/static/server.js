// Asking the server. The token comes with the page's address, once, and is kept out of sight from then on; or the user
// types it.

const PATIENCE_MS = 20_000; // for what takes long, such as a seek before the recording is open

const address = new URL(location.href);
if (address.searchParams.has("token")) {
  useToken(address.searchParams.get("token"));
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

/** Send this token from now on, also after a reload. */
export function useToken(token) {
  sessionStorage.setItem("tickstock.token", token);
}

const token = () => sessionStorage.getItem("tickstock.token");

export function websocketAddress() {
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (token()) url.searchParams.set("token", token());
  return url;
}

/** An answer that is an error, in the server's own words. */
export class AnswerError extends Error {
  constructor(status, message, details = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** Give the JSON of an answer. Raises an `AnswerError` if it is an error, another error if the server did not answer. */
export async function ask(path, body = undefined, patience = PATIENCE_MS) {
  const url = new URL(path, location.href);
  const options = { signal: AbortSignal.timeout(patience) };
  // A header holds ASCII only.
  if (/^[\x21-\x7e]+$/.test(token() ?? "")) options.headers = { Authorization: `Bearer ${token()}` };
  else if (token()) url.searchParams.set("token", token());
  if (body !== undefined) Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  const answer = await fetch(url, options);
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new AnswerError(answer.status, document.error?.message ?? `${answer.status} ${answer.statusText}`, document.error);
  }
  return document;
}
