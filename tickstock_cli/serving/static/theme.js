// Before the page is drawn: the colours chosen last time, so that nothing flashes.
"use strict";

const chosen = localStorage.getItem("tickstock.theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
