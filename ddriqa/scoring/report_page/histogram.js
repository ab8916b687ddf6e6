/* How the values of a column are spread: all rows pale, those shown strong. Dragging over bars,
   or a click on one, chooses a range; a second click or a double one lets it go. */

const MOST_BINS = 30;
const FREE = [-Infinity, Infinity];

class Histogram {
  constructor(column, height, choose) {
    this.column = column;
    this.height = height;
    this.choose = choose;
    this.bins = binsOf(column);
    this.range = null;
    this.hint = element("output", { className: "hint" });
    this.box = label(element("div", { className: "histogram" }), this.inWords());
    this.box.setAttribute("role", "img");
    const data = [this.bins.starts, this.bins.totals, this.bins.totals];
    this.plot = new uPlot(this.options(), data, this.box);
    this.box.append(this.hint);
    this.plot.over.addEventListener("mousedown", (event) => (this.pressed = event.clientX));
    this.plot.over.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(([entry]) => this.resize(entry.contentRect.width)).observe(this.box);
  }

  /* Count the rows that are shown, and mark the range that is chosen. */
  show(rows) {
    const counts = new Array(this.bins.count).fill(0);
    for (const row of rows) if (!missing(row[this.column.field])) counts[this.bins.of(row)] += 1;
    this.plot.setData([this.bins.starts, this.bins.totals, counts]);
    this.range = FILTERS.ranges.get(this.column) ?? null;
    this.mark();
  }

  repaint() {
    this.plot.redraw();
  }

  options() {
    const { low, step, count } = this.bins;
    const painted = (name) => () => getComputedStyle(this.box).getPropertyValue(name);
    const paths = uPlot.paths.bars({ size: [1], align: 1, gap: 1 });
    const bars = (colour) => ({ paths, width: 0, fill: painted(colour), points: { show: false } });
    return {
      width: 240,
      height: this.height,
      padding: [4, 12, 0, 12],
      legend: { show: false },
      cursor: {
        x: false,
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => this.choose(...FREE) },
      },
      scales: {
        x: { time: false, range: [low, low + step * count] },
        y: { range: (_, __, most) => [0, Math.max(most, 1)] },
      },
      axes: [axis(painted("--quiet")), { show: false }],
      series: [{}, bars("--bar-all"), bars("--accent")],
      hooks: { setSelect: [() => this.dragged()], setCursor: [() => this.pointed()] },
    };
  }

  binAt(pixels) {
    const bin = Math.floor((this.plot.posToVal(pixels, "x") - this.bins.low) / this.bins.step);
    return Math.min(Math.max(bin, 0), this.bins.count - 1);
  }

  chooseBins(first, last) {
    const unit = 10 ** -this.column.digits;
    const end = this.column.rounded(this.bins.start(last + 1) - unit);
    this.choose(this.bins.start(first), end);
  }

  dragged() {
    const { left, width } = this.plot.select;
    if (width > 0) this.chooseBins(this.binAt(left), this.binAt(left + width - 1));
  }

  clicked(event) {
    if (Math.abs(event.clientX - this.pressed) > 2) return; // it was a drag
    const bin = this.binAt(event.offsetX);
    const chosen =
      this.range?.[0] === this.bins.start(bin) && this.range[1] < this.bins.start(bin + 1);
    if (chosen) this.choose(...FREE);
    else this.chooseBins(bin, bin);
  }

  pointed() {
    const { left } = this.plot.cursor;
    if (!(left >= 0)) return void (this.hint.textContent = "");
    const bin = this.binAt(left);
    this.hint.textContent = `${this.edges(bin)}: ${counted(this.bins.totals[bin])}`;
  }

  edges(bin) {
    return `${this.column.show(this.bins.start(bin))} to ${this.column.show(this.bins.start(bin + 1))}`;
  }

  resize(width) {
    if (width) this.plot.setSize({ width: Math.floor(width), height: this.height });
    this.mark();
  }

  mark() {
    const [low, high] = this.range ?? [0, -1];
    const from = Math.max(low, this.bins.low);
    const to = Math.min(high + 10 ** -this.column.digits, this.bins.start(this.bins.count));
    const left = this.plot.valToPos(from, "x");
    const width = to > from ? this.plot.valToPos(to, "x") - left : 0;
    this.plot.setSelect({ left, width, top: 0, height: this.plot.over.clientHeight }, false);
  }

  inWords() {
    const { column, bins } = this;
    const most = bins.totals.indexOf(Math.max(...bins.totals));
    const range = `${column.show(column.least)} to ${column.show(column.greatest)}`;
    return `Histogram of ${column.name}: ${range}, most often ${this.edges(most)}`;
  }
}

function axis(stroke) {
  return {
    stroke,
    font: "11px system-ui, sans-serif",
    size: 18,
    gap: 2,
    space: 48,
    grid: { show: false },
    ticks: { show: false },
    values: (_, splits) => splits.map((split) => String(Number(split.toFixed(6)))),
  };
}

/* Steps of a round width that cover the column's rounded values, each value in one of them. */
function binsOf(column) {
  const unit = 10 ** -column.digits;
  const wanted = Math.min(MOST_BINS, Math.max(8, Math.ceil(2 * Math.sqrt(ROWS.length))));
  const step = Math.max(roundStep((column.greatest - column.least) / wanted), unit);
  const nearly = 1e-9; // a value on an edge belongs to the bin that begins there
  const first = Math.floor(column.least / step + nearly);
  const of = (row) => Math.floor(column.rounded(row[column.field]) / step + nearly) - first;
  const start = (bin) => Number(((first + bin) * step).toFixed(column.digits));
  const count = Math.floor(column.greatest / step + nearly) - first + 1;
  const totals = new Array(count).fill(0);
  for (const row of ROWS) if (!missing(row[column.field])) totals[of(row)] += 1;
  return {
    step,
    count,
    totals,
    start,
    of,
    low: start(0),
    starts: totals.map((_, bin) => start(bin)),
  };
}

/* The next of 1, 2 or 5 times a power of ten. */
function roundStep(width) {
  const power = 10 ** Math.floor(Math.log10(width));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= width * 0.999999);
}
