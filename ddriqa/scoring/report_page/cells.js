/* Small pieces of the page. */

/* The thumbnail of a picture, which opens the picture itself. */
function picture(row) {
  const { name } = splitPath(row.path);
  const inside = row.thumbnail
    ? element("img", {
        src: `thumbnails/${row.thumbnail}`,
        alt: `Thumbnail of ${name}`,
        loading: "lazy",
        decoding: "async",
        draggable: false,
      })
    : element("span", { className: "blank" }, row.error === null ? "no thumbnail" : "failed");
  if (row.link === null) return element("span", { className: "picture" }, inside);
  const properties = { className: "picture", href: row.link, target: "_blank", rel: "noopener" };
  return label(element("a", properties, inside), `Open ${name}`);
}

function pathOf(row) {
  const { name, folder } = splitPath(row.path);
  const made = element("div", { className: "path" });
  made.title = row.error === null ? row.path : `${row.path}\n${row.error}`;
  made.append(element("bdi", { className: "name" }, name));
  const [second, kind] = row.error === null ? [folder, "folder"] : [row.error, "reason"];
  if (second) made.append(element("bdi", { className: kind }, second));
  return made;
}

const number = (text, kind = "") => element("div", { className: `number ${kind}` }, text);

/* A number over a bar that says where it lies between the least and the greatest. */
function bar(column, value) {
  const made = number(column.show(value));
  if (value === null) return made;
  const [low, high] = column === PERCENTILE ? [0, 100] : [column.least, column.greatest];
  const share = high > low ? (value - low) / (high - low) : 1;
  const fill = element("i");
  fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  made.append(element("span", { className: "meter", ariaHidden: "true" }, fill));
  return made;
}

function weakest(row) {
  if (row.weakest === null) return element("span", { className: "quiet" }, "–");
  return element(
    "span",
    { className: "type", data: { type: typeNumber(row.weakest) } },
    row.weakest,
  );
}

/* Types have colours by their place among the columns. */
function typeNumber(name) {
  const place = TYPES.findIndex((column) => column.label === name);
  return place < 0 ? "none" : String(place % 6);
}

const sizeOf = (row) => (row.pixels === null ? "–" : `${row.width} × ${row.height}`);
