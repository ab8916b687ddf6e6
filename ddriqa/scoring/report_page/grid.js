/* The pictures as tiles: each row of a second table without a header is a row of tiles, so that
   only those in sight are drawn here as well. */

const TILE = { width: 176, height: 222 };

function buildGrid(box) {
  let shown = [];
  let across = 0;
  const tileable = () => Math.max(2, Math.floor((box.clientWidth - 16) / TILE.width));
  const table = new Tabulator(box, {
    data: [],
    height: "100%",
    rowHeight: TILE.height,
    headerVisible: false,
    layout: "fitColumns",
    placeholder: "No picture passes these filters",
    columns: [{ field: "tiles", title: "", formatter: (cell) => tiles(cell.getValue(), across) }],
  });
  const built = new Promise((resolve) => table.on("tableBuilt", resolve));

  async function fill() {
    await built;
    across = tileable();
    const lines = [];
    for (let start = 0; start < shown.length; start += across) {
      lines.push({ tiles: shown.slice(start, start + across) });
    }
    await table.setData(lines);
  }

  new ResizeObserver(() => {
    if (box.clientWidth && tileable() !== across) fill();
  }).observe(box);
  return {
    show(rows) {
      shown = rows;
      return fill();
    },
  };
}

function tiles(rows, across) {
  const made = element("div", { className: "tiles" }, ...rows.map(tile));
  made.style.setProperty("--across", across);
  made.style.setProperty("--height", `${TILE.height}px`);
  return made;
}

function tile(row) {
  const caption = element("figcaption", {}, pathOf(row));
  if (row.error === null) caption.append(element("p", { className: "facts" }, ...tileFacts(row)));
  return element("figure", { className: "tile" }, picture(row), caption);
}

function tileFacts(row) {
  const score = element("b", { title: SCORE.name }, SCORE.show(row[SCORE.field]));
  const facts = [score];
  if (PERCENTILE) {
    const value = ordinal(row[PERCENTILE.field]);
    facts.push(element("span", { className: "quiet", title: "percentile" }, value));
  }
  if (row.weakest !== NO_WEAKNESS) facts.push(weakest(row));
  return facts;
}

/* 1st, 22nd, 93rd: how people say a percentile. */
function ordinal(value) {
  if (missing(value)) return "–";
  const number = Math.round(value);
  const endings = { one: "st", two: "nd", few: "rd", other: "th" };
  return number + endings[new Intl.PluralRules("en", { type: "ordinal" }).select(number)];
}
