// The list of all studies: searched, filtered by verdict, data set and lecture, sorted. The state
// is in the address. Without this script the list is there, whole.
const studies = all("section.study");
const CHOICES = { verdicts: "verdict", data: "data", lecture: "lecture" };
const ORDERS = {
  name: () => 0,
  "most warnings": (section) => -section.dataset.warnings,
  "most verdicts": (section) => -all(".verdicts li", section).length,
};
const wordsOf = (section, name) => section.dataset[name].split("|").filter(Boolean);

const bar = make("form", { className: "controls index", role: "search" });
const found = make("output");
const search = make("input", { type: "search", name: "find", placeholder: "Search", "aria-label": "Search the studies" });
bar.append(search);

function choice(name, label, options, any) {
  const select = make("select", { name }, ...(any ? [make("option", { value: "" }, any)] : []));
  select.append(...options.map((option) => make("option", { value: option }, option)));
  if (options.length > 1) bar.append(make("label", {}, `${label} `, select));
}
for (const [name, label] of Object.entries(CHOICES)) {
  const options = new Set(studies.flatMap((section) => wordsOf(section, name)));
  choice(name, label, [...options].sort(), "any");
}
choice("sort", "sort by", Object.keys(ORDERS));
bar.append(found);

// Under a verdict only the claims that have it are shown.
function showClaims(section, verdict) {
  for (const claim of all(".verdicts li", section)) {
    claim.hidden = Boolean(verdict) && claim.dataset.outcome !== verdict;
  }
}

function apply() {
  const asked = new FormData(bar);
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of studies) {
    const text = section.textContent.toLowerCase();
    const fits = Object.keys(CHOICES).every((name) =>
      !asked.get(name) || wordsOf(section, name).includes(asked.get(name)));
    section.hidden = !fits || !words.every((word) => text.includes(word));
    showClaims(section, asked.get("verdicts"));
  }
  const order = ORDERS[asked.get("sort")] ?? ORDERS.name;
  const sorted = studies.toSorted((a, b) => order(a) - order(b));
  document.querySelector("main").append(...sorted);
  const shown = studies.filter((section) => !section.hidden).length;
  found.textContent = `${shown} of ${studies.length} studies`;
  const hash = new URLSearchParams();
  for (const [name, value] of asked) {
    if (value && value !== "name") hash.set(name, value);
  }
  writeHash(hash);
}

function read() {
  for (const field of bar.elements) field.value = readHash().get(field.name) ?? (field.name === "sort" ? "name" : "");
}

document.querySelector("h1").after(bar);
themeButton();
bar.addEventListener("input", apply);
bar.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", () => { read(); apply(); });
read();
apply();
