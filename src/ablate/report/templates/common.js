// What both pages share: making elements, the hash, the theme.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// A chip that can be pressed; `pressed` says how it stands, `toggle` is called with how it then does.
function chip(text, pressed, toggle) {
  const button = make("button", { type: "button", className: "chip", "aria-pressed": pressed }, text);
  button.addEventListener("click", () => toggle(button.getAttribute("aria-pressed") !== "true"));
  return button;
}

// The hash holds the state, unless it names a place on the page.
const readHash = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

function writeHash(parameters) {
  const text = parameters.toString();
  if (text || location.hash.includes("=")) {
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }
}

function remembered(theme) {
  // A browser may keep nothing for pages from disk.
  try {
    if (theme) localStorage.setItem("theme", theme);
    return localStorage.getItem("theme");
  } catch { return null; }
}

function themeButton() {
  const root = document.documentElement.style;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.colorScheme ? root.colorScheme === "dark" : system.matches);
  root.colorScheme = remembered() ?? "";
  const button = make("button", { type: "button", className: "theme" });
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    root.colorScheme = isDark() ? "light" : "dark";
    remembered(root.colorScheme);
    name();
  });
  system.addEventListener("change", name);
  name();
  document.querySelector("main").prepend(button);
}
