/* The pictures as a table: Tabulator draws only the rows in sight. */

const ROW_HEIGHT = 64;

function buildTable(sort) {
  return new Tabulator("#table", {
    data: ROWS,
    index: "index",
    nestedFieldSeparator: false,
    height: "100%",
    rowHeight: ROW_HEIGHT,
    layout: "fitColumns",
    placeholder: "No picture passes these filters",
    headerSortClickElement: "header",
    headerSortTristate: false,
    initialSort: [{ column: sort.field, dir: sort.direction }],
    columnDefaults: {
      resizable: "header",
      vertAlign: "middle",
      titleFormatter: headerButton,
      sorter: (a, b, rowA, rowB, column, direction) => compare(a, b, direction),
    },
    columns: tableColumns(),
    rowFormatter: (row) => row.getElement().classList.toggle("failed", !!row.getData().error),
  });
}

/* The header of a column is a real button, so that the keyboard sorts as well. */
function headerButton(cell, { name, text }) {
  const title = name === text ? "" : name;
  return element("button", { type: "button", className: "header", title }, text);
}

const drawn = (draw) => (cell) => draw(cell.getRow().getData());

function wordsColumn(name, draw, more) {
  const titleFormatterParams = { text: name, name };
  return { title: name, titleFormatterParams, field: name, formatter: drawn(draw), ...more };
}

function numbersColumn(field, text, width, draw, name = text) {
  return {
    title: text,
    titleFormatterParams: { text, name },
    field,
    width,
    hozAlign: "right",
    headerHozAlign: "right",
    headerSortStartingDir: "desc",
    formatter: drawn(draw),
  };
}

function scoreColumn(column, width, draw) {
  return numbersColumn(column.field, column.label, width, draw(column), column.name);
}

function tableColumns() {
  const title = { title: "picture", titleFormatter: "plaintext", headerSort: false };
  const when = (there, ...columns) => (there ? columns : []);
  return [
    { ...title, width: 92, formatter: drawn(picture) },
    wordsColumn("path", pathOf, { minWidth: 180, widthGrow: 1 }),
    scoreColumn(SCORE, 88, PERCENTILE ? main : withBar),
    ...when(PERCENTILE, PERCENTILE && scoreColumn(PERCENTILE, 100, withBar)),
    ...when(TYPES.length, wordsColumn("weakest", weakest, { width: 128 })),
    ...TYPES.map((column) => scoreColumn(column, 86, plain)),
    ...OTHERS.map((column) => scoreColumn(column, 110, plain)),
    numbersColumn("pixels", "size", 118, (row) => number(sizeOf(row))),
    ...when(FAILED.length, wordsColumn("status", statusOf, { width: 84 })),
  ];
}

/* Ways to draw a score: bold, over a bar, or plain and marked where it is the weakest. */
const main = (column) => (row) => number(column.show(row[column.field]), "main");
const withBar = (column) => (row) => bar(column, row[column.field]);
const plain = (column) => (row) =>
  number(column.show(row[column.field]), row.weakest === column.label ? "weak" : "");

function statusOf(row) {
  return element("span", { className: row.error === null ? "quiet" : "reason" }, row.status);
}
