// A report that answers back: values and runs under the pointer or the keyboard, tables sorted and
// filtered, levels and replicates switched off, one replicate followed through all figures. The
// state is in the address. Without this script the page shows all the same.
const CELLS = JSON.parse(document.getElementById("runs").textContent);
const figures = all("figure").filter((figure) => figure.querySelector(".plot svg"));
const plots = figures.map((figure) => figure.querySelector(".plot svg"));
const tables = all("section.table");
const points = new Map(plots.map((svg) => [svg, all("[data-value],[data-mean]", svg)]));
const state = { without: new Set(), replicates: new Set(), pinned: null, sort: {}, find: {} };

// Everything known of an element: its own data and those of the groups around it.
function dataOf(element) {
  const found = {};
  for (let one = element; one && one.tagName !== "svg"; one = one.parentNode) {
    for (const { name, value } of one.attributes) {
      if (name.startsWith("data-")) found[name.slice(5)] ??= value;
    }
  }
  return found;
}

const levelsOf = (data) => Object.keys(data).filter((name) => name.startsWith("level-"))
  .map((name) => `${name.slice(6)} = ${data[name]}`).join(" · ");

function keysOf(cell) {
  const runs = Object.entries(CELLS[cell]?.runs ?? {}).filter(([r]) => !state.replicates.has(r));
  if (!runs.length) return [];
  const lost = runs.filter(([, [, status]]) => status !== "done").length;
  const keys = runs.map(([r, [key]]) => `${r}: ${key}`);
  return [`n = ${runs.length}, n/c ${lost}`, `runs by replicate  ${keys.join(", ")}`];
}

// What the tooltip says, line by line; the first is the number.
function told(element) {
  if (element.tagName === "TD") {
    const text = element.cloneNode(true);
    all(".pad", text).forEach((pad) => pad.remove());
    return [text.textContent.trim().replace(/\s+/g, " "), element.dataset.hover ?? "",
      ...keysOf(element.dataset.cell)].filter(Boolean);
  }
  const data = dataOf(element);
  if (data.name) return [`${data.name}: ${data.value}`, data.low && `${data.low} to ${data.high}`, data.note].filter(Boolean);
  if (data.mean) {
    const interval = data.half ? ` ± ${data.half}` : "";
    const n = data.lost ? `n = ${data.n}, n/c ${data.lost}` : `n = ${data.n}`;
    return [`mean ${data.mean}${interval}`, levelsOf(data), n, keysOf(data.cell)[1]].filter(Boolean);
  }
  const run = data.key ? `run ${data.key}` : "";
  return [data.value, `replicate ${data.replicate}`, levelsOf(data), run].filter(Boolean);
}

// --- tooltip, followed replicate

const tip = make("div", { id: "tip", role: "tooltip", hidden: true });
document.body.append(tip);
let shown = null;

function show(element) {
  shown = element;
  const [first, ...rest] = told(element);
  tip.replaceChildren(make("b", {}, first), ...rest.map((line) => make("div", {}, line)));
  (element.closest("dialog") ?? document.body).append(tip);
  tip.hidden = false;
  const box = element.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left + box.width / 2 - own.width / 2), innerWidth - own.width - 8);
  const above = box.top - own.height - 8;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  element.setAttribute("aria-describedby", "tip");
  follow(element.tagName === "TD" ? state.pinned : dataOf(element).replicate ?? state.pinned);
}

function hide() {
  shown = null;
  tip.hidden = true;
  all("[aria-describedby=tip]").forEach((element) => element.removeAttribute("aria-describedby"));
  follow(state.pinned);
}

let followed = null;
function follow(replicate) {
  if (replicate === followed) return;
  followed = replicate;
  for (const svg of plots) {
    all(".same", svg).forEach((element) => element.classList.remove("same"));
    all(".pairs", svg).forEach((element) => element.remove());
    const same = replicate === null ? [] : all(`[data-replicate="${replicate}"]`, svg);
    same.forEach((element) => element.classList.add("same"));
    svg.classList.toggle("traced", same.length > 0);
    pairs(svg, same.filter((element) => element.hasAttribute("x")));
  }
}

// Join the points of one replicate within each panel, as long as they go on to the right or down.
function pairs(svg, same) {
  const panels = new Map();
  for (const element of same) {
    const panel = element.closest("[clip-path]")?.getAttribute("clip-path");
    panels.set(panel, [...(panels.get(panel) ?? []), ["x", "y"].map((name) => +element.getAttribute(name))]);
  }
  for (const places of panels.values()) {
    const down = places.every(([, y], i) => !i || y > places[i - 1][1]);
    const d = places.map(([x, y], i) => `${i && (down || x > places[i - 1][0]) ? "L" : "M"}${x} ${y}`);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", "pairs");
    path.setAttribute("d", d.join(""));
    svg.append(path);
  }
}

function pin(element) {
  const replicate = dataOf(element).replicate ?? null;
  state.pinned = state.pinned === replicate ? null : replicate;
  apply();
}

// --- points: the nearest to the pointer, and by arrow keys

const visible = (element) => !element.closest(".off");

function center(element) {
  if (element.hasAttribute("x")) return [+element.getAttribute("x"), +element.getAttribute("y")];
  const box = element.getBBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

function nearest(svg, event) {
  const matrix = svg.getScreenCTM();
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
  let best = null, least = 14 / matrix.a;
  for (const point of points.get(svg)) {
    const [x, y] = center(point), distance = Math.hypot(x - at.x, y - at.y);
    if (distance < least && visible(point)) [best, least] = [point, distance];
  }
  return best;
}

function step(list, current, key) {
  const ahead = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
  if (key === "Home") return list[0];
  if (key === "End") return list.at(-1);
  return ahead ? list[list.indexOf(current) + ahead] ?? current : null;
}

function rove(list, current, event) {
  const next = step(list, current, event.key);
  if (!next) return;
  event.preventDefault();
  list.forEach((one) => one.setAttribute("tabindex", one === next ? 0 : -1));
  next.focus();
}

plots.forEach((svg) => {
  const own = points.get(svg);
  if (!own.length) return;
  svg.setAttribute("role", "group");
  own.forEach((point, i) => {
    point.setAttribute("tabindex", i ? -1 : 0);
    point.setAttribute("role", "img");
    point.setAttribute("aria-label", told(point).slice(0, 3).join(", "));
    point.addEventListener("focus", () => show(point));
    point.addEventListener("blur", hide);
  });
  let last = null;
  svg.addEventListener("pointermove", (event) => {
    const point = nearest(svg, event);
    if (point !== last) point ? show(point) : hide();
    last = point;
  });
  svg.addEventListener("pointerleave", () => { last = null; hide(); });
  svg.addEventListener("click", (event) => { const point = last ?? nearest(svg, event); if (point) { pin(point); show(point); } });
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pin(event.target); }
    else rove(own.filter(visible), event.target, event);
  });
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
// What has the keyboard keeps its tooltip when the page moves to it.
addEventListener("scroll", () => {
  if (shown) shown === document.activeElement ? show(shown) : hide();
}, { passive: true, capture: true });

// --- tables

// Numbers by size, words by the alphabet, what is no number last.
function worth(cell) {
  const text = cell.textContent.trim().replaceAll("−", "-").replaceAll(",", "");
  const unit = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 }[text.match(/^[\d.]+ ([kMGT])$/)?.[1]] ?? 1;
  const number = unit * parseFloat(text.replace(/^[^\d.+-]+(?=[\d.])/, ""));
  return [Number.isNaN(number) ? 1 : 0, Number.isNaN(number) ? 0 : number, text];
}

function sortRows(section, [column, direction]) {
  const body = section.querySelector("tbody");
  const sign = direction === "descending" ? -1 : 1;
  const rows = all("tr", body).sort((a, b) => {
    if (!direction) return a.dataset.place - b.dataset.place;
    const [x, y] = [worth(a.cells[column]), worth(b.cells[column])];
    return x[0] - y[0] || sign * (x[1] - y[1]) || sign * x[2].localeCompare(y[2]);
  });
  body.append(...rows);
  all("thead tr:last-child th", section).forEach((head, i) => {
    if (direction && i === column) head.setAttribute("aria-sort", direction);
    else head.removeAttribute("aria-sort");
  });
}

function cellIsOff(td) {
  const levels = Object.entries(CELLS[td.dataset.cell]?.levels ?? {});
  return levels.some(([factor, level]) => state.without.has(`${factor}=${level}`));
}

tables.forEach((section) => {
  const rows = all("tbody tr", section);
  rows.forEach((row, i) => { row.dataset.place = i; });
  all("thead tr:last-child th", section).forEach((head, i) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    button.addEventListener("click", () => {
      const [column, direction] = state.sort[section.id] ?? [];
      const next = column !== i ? "ascending" : { ascending: "descending" }[direction];
      if (next) state.sort[section.id] = [i, next]; else delete state.sort[section.id];
      apply();
    });
    head.append(button);
  });
  if (rows.length > 5) {
    const name = `Filter the rows of table ${section.id.split("-").at(-1)}`;
    const input = make("input", { type: "search", placeholder: "Filter rows", "aria-label": name });
    input.addEventListener("input", () => { state.find[section.id] = input.value; apply(); });
    section.querySelector(".title").append(input);
  }
  const cells = all("td[data-cell]", section);
  cells.forEach((cell, i) => {
    cell.setAttribute("tabindex", i ? -1 : 0);
    if (cell.title) { cell.dataset.hover = cell.title; cell.removeAttribute("title"); }
    cell.addEventListener("pointerenter", () => show(cell));
    cell.addEventListener("pointerleave", hide);
    cell.addEventListener("focus", () => show(cell));
    cell.addEventListener("blur", hide);
    cell.addEventListener("keydown", (event) => rove(all("td[data-cell]", section), cell, event));
  });
});

// --- levels and replicates

const controls = make("details", { className: "controls" }, make("summary", {}, "Levels and replicates"));
const chips = [];

function group(title, names, set, key) {
  if (names.length < 2) return;
  const box = make("p", {}, make("span", {}, title));
  for (const name of names) {
    const toggle = (on) => { if (on) set.delete(key(name)); else set.add(key(name)); apply(); };
    const button = chip(name, true, toggle);
    chips.push(() => button.setAttribute("aria-pressed", !set.has(key(name))));
    box.append(" ", button);
  }
  controls.append(box);
}

function addControls() {
  const levels = {}, replicates = new Set();
  for (const element of plots.flatMap((svg) => all("*", svg))) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("data-level-")) (levels[name.slice(11)] ??= new Set()).add(value);
      if (name === "data-replicate") replicates.add(value);
    }
  }
  for (const [factor, names] of Object.entries(levels)) {
    group(factor, [...names], state.without, (name) => `${factor}=${name}`);
  }
  group("replicate", [...replicates].sort((a, b) => a - b), state.replicates, (name) => name);
  if (!chips.length) return;
  controls.append(make("p", { className: "hint" },
    "Means and intervals stay those of all replicates. A click on a point follows its replicate through all figures."));
  document.querySelector("header").after(controls);
}

// --- state: from the address to the page, and back

function read() {
  const hash = readHash();
  const pieces = (name) => hash.getAll(name).map((text) => text.split("~"));
  for (const [name, key] of [["without", "without"], ["replicates", "off"]]) {
    state[name].clear();
    hash.getAll(key).forEach((one) => state[name].add(one));
  }
  state.pinned = hash.get("replicate");
  state.sort = Object.fromEntries(pieces("sort").map(([id, column, direction]) => [id, [+column, direction]]));
  state.find = Object.fromEntries(pieces("find").map(([id, ...text]) => [id, text.join("~")]));
}

function apply() {
  chips.forEach((set) => set());
  for (const element of plots.flatMap((svg) => all("*", svg))) {
    const off = [...element.attributes].some(({ name, value }) =>
      (name.startsWith("data-level-") && state.without.has(`${name.slice(11)}=${value}`)) ||
      (name === "data-replicate" && state.replicates.has(value)));
    if (off || element.classList.contains("off")) element.classList.toggle("off", off);
  }
  for (const section of tables) {
    sortRows(section, state.sort[section.id] ?? []);
    const words = (state.find[section.id] ?? "").toLowerCase();
    const input = section.querySelector("input");
    if (input && input.value.toLowerCase() !== words) input.value = state.find[section.id] ?? "";
    for (const row of all("tbody tr", section)) {
      const cells = all("td[data-cell]", row);
      const off = cells.length > 0 && cells.every(cellIsOff);
      row.hidden = off || !row.textContent.toLowerCase().includes(words);
    }
  }
  follow(state.pinned);
  controls.classList.toggle("changed", state.without.size + state.replicates.size > 0);
  const hash = new URLSearchParams();
  state.without.forEach((one) => hash.append("without", one));
  state.replicates.forEach((one) => hash.append("off", one));
  if (state.pinned !== null) hash.set("replicate", state.pinned);
  Object.entries(state.sort).forEach(([id, [column, direction]]) => hash.append("sort", [id, column, direction].join("~")));
  Object.entries(state.find).forEach(([id, text]) => text && hash.append("find", `${id}~${text}`));
  writeHash(hash);
}

themeButton();
addControls();
read();
apply();
addEventListener("hashchange", () => { read(); apply(); });
