/* Which rows are shown. */

const FILTERS = { text: "", status: new Set(), weakest: new Set(), ranges: new Map() };

/* Whether a row passes every filter, one of the choices left out if it is named. */
function matches(row, except) {
  if (FILTERS.text && !row.path.toLowerCase().includes(FILTERS.text.toLowerCase())) return false;
  for (const choice of ["status", "weakest"]) {
    const chosen = FILTERS[choice];
    if (choice !== except && chosen.size && !chosen.has(row[choice])) return false;
  }
  for (const [column, [low, high]] of FILTERS.ranges) {
    const value = row[column.field];
    if (missing(value)) return false;
    const shown = column.rounded(value); // what a person sees is what counts
    if (shown < low || shown > high) return false;
  }
  return true;
}

function setRange(column, low, high) {
  if (low === -Infinity && high === Infinity) FILTERS.ranges.delete(column);
  else FILTERS.ranges.set(column, [low, high]);
}

function clearFilters() {
  FILTERS.text = "";
  FILTERS.status.clear();
  FILTERS.weakest.clear();
  FILTERS.ranges.clear();
}

function anyFilter() {
  return Boolean(
    FILTERS.text || FILTERS.status.size || FILTERS.weakest.size || FILTERS.ranges.size,
  );
}
