"use strict";
// Search, and opening what a link leads to. Without this script the page still shows everything.
const box = document.getElementById("search");
const items = [...document.querySelectorAll("[data-search]")];
const sections = [...document.querySelectorAll("main section")];
const none = document.getElementById("none");

function show() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const item of items) {
    const fits = words.every((word) => item.dataset.search.includes(word));
    item.hidden = !fits;
    found += fits;
  }
  for (const section of sections) {
    const mine = section.querySelectorAll("[data-search]");
    section.hidden = words.length > 0 && (mine.length === 0 || [...mine].every((item) => item.hidden));
  }
  none.hidden = found > 0 || words.length === 0;
}

function open() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
}

if (box) {
  box.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "Escape") {
      box.value = "";
      show();
    }
  });
}
addEventListener("hashchange", open);
open();
