"use strict";

/* The page's data, as rows and as columns that know how to show and to compare their values. */

const DATA = JSON.parse(document.getElementById("data").textContent);
const NO_WEAKNESS = "no weakness";

const fieldOf = (position) => `score${position}`; // a column's name could hold anything

const ROWS = DATA.rows.map((cells, index) => {
  const [path, link, thumbnail, width, height, scores, weakest, error] = cells;
  const row = { index, path, link, thumbnail, width, height, error };
  row.status = error === null ? "scored" : "failed";
  row.weakest = error !== null ? null : weakest === null ? NO_WEAKNESS : typeName(weakest);
  row.pixels = width === null || height === null ? null : width * height;
  scores.forEach((value, position) => (row[fieldOf(position)] = value));
  return row;
});

function typeName(column) {
  return column.slice(DATA.score.length + 1);
}

/* As many digits as tell a few hundred steps between the least and the greatest value apart. */
function digitsFor(least, greatest) {
  if (!(greatest > least)) return 3;
  const digits = 2 - Math.floor(Math.log10(greatest - least));
  return Math.min(Math.max(digits, 0), 6);
}

function numberColumn(field, name, label, fixedDigits) {
  const values = ROWS.map((row) => row[field]).filter((value) => value !== null);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const digits = fixedDigits ?? digitsFor(least, greatest);
  const rounded = (value) => Number(value.toFixed(digits));
  return {
    field,
    name,
    label,
    digits,
    rounded,
    known: values.length > 0,
    least: rounded(least),
    greatest: rounded(greatest),
    show: (value) => (value === null ? "–" : value.toFixed(digits)),
  };
}

const SCORES = DATA.columns.map((name, position) => {
  const label = DATA.types.includes(name) ? typeName(name) : name;
  return numberColumn(fieldOf(position), name, label, name === "percentile" ? 0 : undefined);
});
const SCORE = SCORES[0];
const PERCENTILE = SCORES.find((column) => column.name === "percentile");
const TYPES = SCORES.filter((column) => DATA.types.includes(column.name));
const OTHERS = SCORES.filter((c) => c !== SCORE && c !== PERCENTILE && !TYPES.includes(c));
const WIDTH = numberColumn("width", "width", "width", 0);
const HEIGHT = numberColumn("height", "height", "height", 0);
const FAILED = ROWS.filter((row) => row.status === "failed");

/* Comparing: names with numbers in them in natural order, and what is missing always last. */
const collator = new Intl.Collator(undefined, { numeric: true });
const missing = (value) => value === null || value === undefined;

function compare(a, b, direction) {
  if (missing(a) || missing(b)) return (missing(a) - missing(b)) * (direction === "asc" ? 1 : -1);
  return typeof a === "string" ? collator.compare(a, b) : a - b;
}

function splitPath(path) {
  const cut = path.lastIndexOf(DATA.separator);
  const folder = cut < 0 ? "" : path.slice(0, cut);
  const inside = folder.startsWith(DATA.common) ? folder.slice(DATA.common.length) : folder;
  return { name: path.slice(cut + 1), folder: DATA.common ? trimmed(inside) : folder };
}

const trimmed = (folder) => (folder.startsWith(DATA.separator) ? folder.slice(1) : folder);
const counted = (number) => number.toLocaleString("en");
