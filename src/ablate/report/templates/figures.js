// Figures larger, and as files that need nothing beside the page.

const dialog = make("dialog", { "aria-label": "Figure, enlarged" });
const close = make("button", { type: "button", className: "close" }, "Close");
close.addEventListener("click", () => dialog.close());
document.body.append(dialog);

function enlarge(svg) {
  const home = svg.parentNode;
  dialog.replaceChildren(close, svg);
  dialog.addEventListener("close", () => { hide(); home.append(svg); }, { once: true });
  dialog.showModal();
}

function download(name, blob) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function svgText(svg) {
  const copy = svg.cloneNode(true);
  all(".pairs,.off", copy).forEach((element) => element.remove());
  for (const element of [copy, ...all("[tabindex]", copy)]) {
    for (const name of ["tabindex", "role", "aria-label", "class", "style"]) element.removeAttribute(name);
  }
  return new XMLSerializer().serializeToString(copy);
}

function drawPng(svg, name) {
  const image = new Image(), { width, height } = svg.viewBox.baseVal, scale = 4;
  image.onload = () => {
    const canvas = make("canvas", { width: width * scale, height: height * scale });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => download(name, blob), "image/png");
  };
  image.src = `data:image/svg+xml,${encodeURIComponent(svgText(svg))}`;
}

function csvText(svg) {
  const rows = points.get(svg).map(dataOf);
  const names = [...new Set(rows.flatMap(Object.keys))];
  const quoted = (text = "") => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [names, ...rows.map((row) => names.map((name) => row[name]))]
    .map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

figures.forEach((figure, i) => {
  const svg = plots[i], files = figure.querySelector(".files"), stem = files.dataset.stem;
  const button = (text, act) => {
    const one = make("button", { type: "button" }, text);
    one.addEventListener("click", act);
    return one;
  };
  const buttons = [
    button("Enlarge", () => enlarge(svg)),
    button("SVG", () => download(`${stem}.svg`, new Blob([svgText(svg)], { type: "image/svg+xml" }))),
    button("PNG", () => drawPng(svg, `${stem}.png`)),
  ];
  if (points.get(svg).length) {
    buttons.push(button("CSV", () => download(`${stem}.csv`, new Blob([csvText(svg)], { type: "text/csv" }))));
  }
  files.replaceChildren(...buttons.flatMap((one, j) => (j ? [" · ", one] : [one])));
});
