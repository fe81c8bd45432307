// Asking the server. The token comes with the page's address, once, and is kept out of sight from then on.

const address = new URL(location.href);
if (address.searchParams.has("token")) {
  sessionStorage.setItem("tickstock.token", address.searchParams.get("token"));
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}
const token = sessionStorage.getItem("tickstock.token");

export function websocketAddress() {
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (token) url.searchParams.set("token", token);
  return url;
}

/** Give the JSON of an answer; an answer that is an error becomes an Error with the server's own words. */
export async function ask(path, body) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const options = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error?.message ?? `${answer.status} ${answer.statusText}`);
  return document;
}
