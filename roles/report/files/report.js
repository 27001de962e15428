"use strict";

const table = document.getElementById("table");
const body = table.tBodies[0];
const rows = [...body.rows];
const count = document.getElementById("count");
const clear = document.getElementById("clear");
const text = document.getElementById("text");
const choices = ["server", "version", "note"].map((id) => document.getElementById(id));

// Filtering: "Muller" finds "Müller" too, and every word must occur.

const folded = (string) => string.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const texts = new Map(rows.map((row) => [row, folded(row.textContent)]));

function filter() {
  const [server, version, note] = choices.map((choice) => choice.value);
  const words = folded(text.value).split(/\s+/).filter(Boolean);
  let found = 0;
  for (const row of rows) {
    const matches =
      (!server || row.dataset.server === server) &&
      (!version || row.dataset.version === version) &&
      (!note || row.dataset.notes.split(" ").includes(note)) &&
      words.every((word) => texts.get(row).includes(word));
    row.hidden = !matches;
    found += matches;
  }
  clear.hidden = found === rows.length;
  const projects = rows.length === 1 ? "project" : "projects";
  count.textContent = found === rows.length ? `${found} ${projects}` : `${found} of ${rows.length} ${projects}`;
}

function showAll() {
  for (const field of [text, ...choices]) field.value = "";
  filter();
}

for (const field of [text, ...choices]) field.addEventListener("input", filter);
clear.addEventListener("click", () => {
  showAll();
  text.focus();
});

// Show a project that is filtered out before following a link to it.
addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#p-"]');
  if (link && document.getElementById(link.hash.slice(1)).hidden) showAll();
});

// Sorting: numbers by their value, missing values always last.

const { compare } = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const headers = [...table.tHead.rows[0].cells];

function value(row, column) {
  const element = row.cells[column].querySelector("bdi, time");
  if (element) return element.dateTime || element.textContent;
  return headers[column].classList.contains("number") ? row.cells[column].textContent : "";
}

function sort(column, direction) {
  const values = new Map(rows.map((row) => [row, value(row, column)]));
  rows.sort((one, other) => {
    const [a, b] = [values.get(one), values.get(other)];
    return !a - !b || direction * compare(a, b);
  });
  body.append(...rows);
  for (const header of headers) header.removeAttribute("aria-sort");
  headers[column].setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
}

headers.forEach((header, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = header.dataset.label = header.textContent;
  button.addEventListener("click", () => sort(column, header.getAttribute("aria-sort") === "ascending" ? -1 : 1));
  header.replaceChildren(button);
});

document.documentElement.classList.add("scripted");
document.querySelector(".tools").hidden = false;
sort(0, 1);
filter();
