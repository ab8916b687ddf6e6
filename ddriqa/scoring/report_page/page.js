/* Everything together: filters and the order of sorting lead to what is shown. */

const by = (id) => document.getElementById(id);
const sort = { field: SCORE.field, direction: DATA.best_first };
const facets = buildFacets(document.querySelector("#filters .facets"), changedSoon);
const table = buildTable(sort);
let grid = null; // made when it is first looked at
let shownRows = ROWS;
let waiting = 0;

/* --- what is shown */

function changedSoon() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(changed);
}

function changed() {
  shownRows = ROWS.filter((row) => matches(row));
  for (const facet of facets) facet.show(shownRows);
  const every = pictures(ROWS.length);
  const all = shownRows.length === ROWS.length;
  by("count").textContent = all ? every : `${counted(shownRows.length)} of ${every}`;
  by("close-filters").textContent = `Show ${pictures(shownRows.length)}`;
  by("clear").hidden = !anyFilter();
  table.setFilter((row) => matches(row));
  fillGrid();
}

const pictures = (number) => `${counted(number)} ${number === 1 ? "picture" : "pictures"}`;

function fillGrid() {
  if (by("grid").hidden) return;
  const { field, direction } = sort;
  const sign = direction === "asc" ? 1 : -1;
  grid ??= buildGrid(by("grid"));
  grid.show([...shownRows].sort((a, b) => sign * compare(a[field], b[field], direction)));
}

function showLayout(chosen) {
  by("table").hidden = chosen !== "table";
  by("grid").hidden = chosen !== "grid";
  for (const button of document.querySelectorAll("[data-layout]")) {
    button.setAttribute("aria-pressed", button.dataset.layout === chosen);
  }
  if (chosen === "table") table.redraw(true);
  fillGrid();
}

/* --- the order */

const setSort = (field, direction) => table.setSort([{ column: field, dir: direction }]);

function sorted([sorter]) {
  if (!sorter) return;
  Object.assign(sort, { field: sorter.field, direction: sorter.dir });
  showSort();
  fillGrid();
}

function showSort() {
  const falling = sort.direction === "desc";
  by("sort").value = sort.field;
  by("direction").textContent = falling ? "↓" : "↑";
  label(by("direction"), falling ? "Descending; turn round" : "Ascending; turn round");
}

function offerSorts() {
  const columns = table.getColumnDefinitions().filter(({ field }) => field);
  by("sort").append(
    ...columns.map(({ field, title }) => element("option", { value: field }, title)),
  );
  by("sort").addEventListener("change", ({ target }) => {
    const chosen = columns.find(({ field }) => field === target.value);
    setSort(chosen.field, chosen.headerSortStartingDir ?? "asc");
  });
  by("direction").addEventListener("click", () =>
    setSort(sort.field, sort.direction === "asc" ? "desc" : "asc"),
  );
}

/* --- dialogs, and the drawer in which a narrow screen keeps the filters */

function openDialog(name) {
  if (name === "failures") listFailures(by(name).querySelector("ul"));
  by(name).showModal();
}

function listFailures(list) {
  if (list.childElementCount) return;
  for (const row of FAILED) {
    list.append(element("li", {}, element("bdi", {}, row.path), element("span", {}, row.error)));
  }
}

function drawer(open) {
  document.body.classList.toggle("drawer", open);
  by("open-filters").setAttribute("aria-expanded", open);
  by(open ? "search" : "open-filters").focus();
}

/* --- the start */

function onClick(selector, act) {
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener("click", () => act(button.dataset));
  }
}

onClick("#clear", () => (clearFilters(), changed()));
onClick("[data-layout]", ({ layout }) => showLayout(layout));
onClick("[data-opens]", ({ opens }) => openDialog(opens));
onClick("#open-filters", () => drawer(true));
onClick("#close-filters", () => drawer(false));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  facets.forEach((facet) => facet.repaint?.()),
);
table.on("tableBuilt", () => {
  table.on("dataSorted", sorted);
  offerSorts();
  showSort();
  changed();
  if (matchMedia("(max-width: 720px)").matches) showLayout("grid");
  document.body.dataset.ready = "true";
});
