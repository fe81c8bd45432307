// Keys of the page. They work wherever the focus is, except in a field for text, and except that a button or a box that
// the keyboard has reached takes the space bar for itself. One that was merely clicked does not: the user's hand is at
// the mouse, and expects the space bar to pause.

const ACTIONS = { s: "step", "[": "back", "]": "ahead", "+": "faster", "=": "faster", "-": "slower", _: "slower" };
const TAKES_SPACE = "button, summary, a, select, input";

const byId = (id) => document.getElementById(id);

let clicked = false; // whether the focus came by the pointer

document.addEventListener("pointerdown", () => (clicked = true), true);
document.addEventListener("keydown", press, true);

function press(event) {
  const field = event.target.closest(TAKES_SPACE);
  if (["Tab", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) clicked = false;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isText(field)) {
    if (event.key === "Escape") field.blur();
    return;
  }
  if (field?.matches("select") && !clicked) return; // letters choose in it
  if (event.key === "/") {
    event.preventDefault();
    byId("tickers").focus();
  } else if (event.key === " " && isOffered("pause") && (field === null || clicked)) {
    event.preventDefault();
    field?.blur(); // else the release of the key would click it
    byId("pause").click();
  } else if (ACTIONS[event.key] && isOffered(ACTIONS[event.key])) {
    event.preventDefault();
    byId(ACTIONS[event.key]).click();
  }
}

/** Return whether the run can be told so: what it does not take is hidden. */
function isOffered(id) {
  return byId(id).closest("[hidden]") === null;
}

function isText(field) {
  return field !== null && field.matches("input:not([type=checkbox])");
}
