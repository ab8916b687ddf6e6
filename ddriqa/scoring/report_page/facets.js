/* The panel of filters: a search, choices with counts, and ranges of numbers. */

function buildFacets(box, changed) {
  const facets = [
    searchFacet(changed),
    ...(FAILED.length ? [choiceFacet("status", "Status", ["scored", "failed"], changed)] : []),
    ...(weaknesses().length ? [choiceFacet("weakest", "Weakest", weaknesses(), changed)] : []),
  ];
  const numbers = (columns, height) =>
    columns.filter((column) => column?.known).map((column) => rangeFacet(column, height, changed));
  const groups = [
    ["Responses", numbers(TYPES, 56)],
    ["Other scores", numbers(OTHERS, 56)],
    ["Size", numbers([WIDTH, HEIGHT], 56)],
  ];
  facets.push(...numbers([SCORE, PERCENTILE], 84));
  box.append(...facets.map((facet) => facet.box));
  for (const [title, inside] of groups.filter(([, inside]) => inside.length)) {
    const boxes = inside.map((facet) => facet.box);
    box.append(element("details", {}, element("summary", {}, title), ...boxes));
    facets.push(...inside);
  }
  return facets;
}

function weaknesses() {
  if (!TYPES.length) return [];
  const present = new Set(ROWS.map((row) => row.weakest));
  return [...TYPES.map((column) => column.label), NO_WEAKNESS].filter((name) => present.has(name));
}

function facetBox(title, ...children) {
  const heading = element("h2", {}, title);
  const box = element("section", { className: "facet" }, heading, ...children);
  return { box, heading };
}

function searchFacet(changed) {
  const input = element("input", { type: "search", id: "search", placeholder: "Search in paths" });
  label(input, "Search in paths");
  input.addEventListener("input", () => {
    FILTERS.text = input.value;
    changed();
  });
  const box = element("section", { className: "facet" }, input);
  return { box, show: () => input.value !== FILTERS.text && (input.value = FILTERS.text) };
}

function choiceFacet(name, title, values, changed) {
  const chosen = FILTERS[name];
  const buttons = values.map((value) => {
    const number = element("small");
    const data = { choice: value, type: typeNumber(value) };
    const button = element("button", { type: "button", className: "choice", data }, value, number);
    button.addEventListener("click", () => {
      if (!chosen.delete(value)) chosen.add(value);
      changed();
    });
    return { value, button, number };
  });
  const list = element("div", { className: "choices" }, ...buttons.map(({ button }) => button));
  const { box } = facetBox(title, list);
  box.dataset.facet = name;
  return { box, show: () => showCounts(name, buttons) };
}

function showCounts(name, buttons) {
  const counts = new Map();
  for (const row of ROWS) {
    if (matches(row, name)) counts.set(row[name], (counts.get(row[name]) ?? 0) + 1);
  }
  for (const { value, button, number } of buttons) {
    number.textContent = counted(counts.get(value) ?? 0);
    button.dataset.empty = !counts.has(value);
    button.setAttribute("aria-pressed", FILTERS[name].has(value));
  }
}

function rangeFacet(column, height, changed) {
  const choose = (low, high) => {
    setRange(column, low, high);
    changed();
  };
  const inputs = [numberInput(column, "at least"), numberInput(column, "at most")];
  const typed = () => {
    const [low, high] = inputs.map((input) => (input.value === "" ? null : Number(input.value)));
    choose(low ?? -Infinity, high ?? Infinity);
  };
  for (const input of inputs) input.addEventListener("input", typed);
  const { box, heading } = facetBox(column.label);
  heading.title = column.name;
  box.dataset.facet = column.name;
  const plot = column.greatest > column.least ? new Histogram(column, height, choose) : null;
  if (plot) box.append(plot.box);
  box.append(element("div", { className: "range" }, inputs[0], "to", inputs[1]));
  return {
    box,
    repaint: () => plot?.repaint(),
    show(rows) {
      plot?.show(rows);
      const range = FILTERS.ranges.get(column) ?? [-Infinity, Infinity];
      inputs.forEach((input, side) => setNumber(input, range[side]));
    },
  };
}

function numberInput(column, words) {
  const bound = words === "at least" ? column.least : column.greatest;
  const input = element("input", { type: "number", step: "any", placeholder: column.show(bound) });
  return label(input, `${column.name} ${words}`);
}

function setNumber(input, value) {
  const text = Number.isFinite(value) ? String(value) : "";
  if (document.activeElement !== input && input.value !== text) input.value = text;
}
