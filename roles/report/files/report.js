"use strict";

const table = document.getElementById("table");
// Each project is a body of the table: its row, and its environments.
const projects = [...table.tBodies];
const count = document.getElementById("count");
const nothing = document.getElementById("nothing");
const clear = document.getElementById("clear");
const more = document.getElementById("more");
const text = document.getElementById("text");
const choices = ["server", "version", "note"].map((id) => document.getElementById(id));
const tools = document.querySelector(".tools");

// A narrow screen displays so many at once.
const PAGE = 50;
let limit = PAGE;

// Filtering: "Muller" finds "Müller" too, and every word must occur.

const folded = (string) => string.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const texts = new Map(projects.map((project) => [project, folded(project.textContent)]));

function filter() {
  const [server, version, note] = choices.map((choice) => choice.value);
  const words = folded(text.value).split(/\s+/).filter(Boolean);
  let found = 0;
  for (const project of projects) {
    const matches =
      (!server || project.dataset.server === server) &&
      (!version || project.dataset.version === version) &&
      (!note || project.dataset.notes.split(" ").includes(note)) &&
      words.every((word) => texts.get(project).includes(word));
    project.hidden = !matches;
    found += matches;
    project.classList.toggle("later", matches && found > limit);
  }
  more.hidden = found <= limit;
  more.textContent = `${Math.min(PAGE, found - limit)} more`;
  clear.hidden = found === projects.length;
  nothing.hidden = found > 0;
  table.hidden = found === 0;
  const what = projects.length === 1 ? "project" : "projects";
  count.textContent = found === projects.length ? `${found} ${what}` : `${found} of ${projects.length} ${what}`;
}

function begin() {
  limit = PAGE;
  filter();
}

function showAll() {
  for (const field of [text, ...choices]) field.value = "";
  begin();
}

for (const field of [text, ...choices]) field.addEventListener("input", begin);
clear.addEventListener("click", () => {
  showAll();
  text.focus();
});
more.addEventListener("click", () => {
  limit += PAGE;
  filter();
});

// A project may be filtered out, further down or folded before a link to it is followed.
addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link?.dataset.note) {
    showAll();
    choices[2].value = link.dataset.note;
    begin();
  }
  const project = link && document.getElementById(link.hash.slice(1))?.closest("tbody");
  if (!projects.includes(project)) return;
  if (project.hidden) showAll();
  if (project.classList.contains("later")) {
    limit = projects.length;
    filter();
  }
  unfold(project, true);
});

function unfold(project, isOpen) {
  project.classList.toggle("open", isOpen);
  project.querySelector(".unfold").ariaExpanded = String(isOpen);
}

for (const project of projects) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "unfold";
  button.ariaLabel = `More about ${project.querySelector("th bdi").textContent}`;
  button.addEventListener("click", () => unfold(project, !project.classList.contains("open")));
  project.querySelector("th").append(button);
  unfold(project, false);
}

// Sorting: numbers by their value, missing values always last.

const { compare } = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const headers = [...table.tHead.rows[0].cells];

function value(project, column) {
  const cell = project.rows[0].cells[column];
  const element = cell.querySelector("bdi, time");
  if (element) return element.dateTime || element.textContent;
  return headers[column].classList.contains("number") ? cell.textContent : "";
}

function sort(column, direction) {
  const values = new Map(projects.map((project) => [project, value(project, column)]));
  projects.sort((one, other) => {
    const [a, b] = [values.get(one), values.get(other)];
    return !a - !b || direction * compare(a, b);
  });
  table.append(...projects);
  for (const header of headers) header.removeAttribute("aria-sort");
  headers[column].setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  filter();
}

headers.forEach((header, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = header.dataset.label = header.textContent;
  button.addEventListener("click", () => sort(column, header.getAttribute("aria-sort") === "ascending" ? -1 : 1));
  header.replaceChildren(button);
});

document.documentElement.classList.add("scripted");
tools.hidden = false;
// The head of the table stays below the filter.
new ResizeObserver(() => table.style.setProperty("--below", `${tools.offsetHeight}px`)).observe(tools);
sort(0, 1);
