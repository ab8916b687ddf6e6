"use strict";

/* A plot of scores against labels: a point a picture, coloured by its group, and the fitted curve.
   Axes are uPlot's; points are painted at once, so that tens of thousands cost little. */

const SHADES = 6; // colours that the styles define; more groups share a circle of hues
const DARK = matchMedia("(prefers-color-scheme: dark)");
const MANY = 5000;

const styled = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

function colourOf(set, group) {
  if (group === null) return styled(set.groups.length ? "--quiet" : "--accent");
  if (set.groups.length <= SHADES) return styled(`--type-${group}`);
  const hue = Math.round((360 * group) / set.groups.length);
  return `hsl(${hue}, 60%, ${DARK.matches ? 66 : 42}%)`;
}

class Scatter {
  constructor(box, set, metric, chosen) {
    Object.assign(this, { box, set, metric, chosen });
    this.shown = metric.scores.flatMap((score, index) => (score === null ? [] : [index]));
    this.x = padded(this.shown.map((index) => metric.scores[index]));
    this.y = padded(this.shown.map((index) => set.labels[index]));
    this.plot = new uPlot(this.options(), [this.x, [null, null]], box);
    new ResizeObserver(() => this.resize()).observe(box);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width) this.plot.setSize({ width, height });
  }

  repaint() {
    this.plot.redraw(false, true);
  }

  options() {
    return {
      width: this.box.clientWidth,
      height: this.box.clientHeight,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: this.x }, y: { range: this.y } },
      axes: [scaleAxis(this.metric.name, 24, 56), scaleAxis(this.set.label, 42, 36)],
      series: [{}, { show: false }],
      hooks: { draw: [() => this.paint()] },
    };
  }

  /* Pixels of a picture's point from the plot's corner: those of the canvas, or of the page. */
  place(index, { width, height }) {
    const across = (this.metric.scores[index] - this.x[0]) / (this.x[1] - this.x[0]);
    const up = (this.set.labels[index] - this.y[0]) / (this.y[1] - this.y[0]);
    return [across * width, (1 - up) * height];
  }

  isChosen(index) {
    return !this.chosen.size || this.chosen.has(this.set.group[index]);
  }

  paint() {
    const { ctx, bbox } = this.plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.translate(bbox.left, bbox.top);
    this.paintPoints(ctx, bbox);
    if (this.metric.curve) this.paintCurve(ctx, bbox);
    ctx.restore();
  }

  paintPoints(ctx, bbox) {
    const many = this.shown.length > MANY;
    const size = (many ? 2 : 5) * devicePixelRatio;
    const kinds = new Map([["others", []]]);
    for (const index of this.shown) {
      const kind = this.isChosen(index) ? this.set.group[index] : "others";
      if (!kinds.has(kind)) kinds.set(kind, []);
      kinds.get(kind).push(index);
    }
    for (const [kind, indexes] of kinds) {
      ctx.fillStyle = kind === "others" ? styled("--bar-all") : colourOf(this.set, kind);
      ctx.globalAlpha = many ? 0.5 : 0.65;
      for (const index of indexes) dot(ctx, this.place(index, bbox), size, many);
    }
    ctx.globalAlpha = 1;
  }

  paintCurve(ctx, bbox) {
    const [scores, labels] = this.metric.curve;
    ctx.beginPath();
    scores.forEach((score, step) => {
      const across = ((score - this.x[0]) / (this.x[1] - this.x[0])) * bbox.width;
      const down = (1 - (labels[step] - this.y[0]) / (this.y[1] - this.y[0])) * bbox.height;
      ctx.lineTo(across, down);
    });
    ctx.lineJoin = "round";
    for (const [colour, width] of [["--surface", 5], ["--text", 2]]) {
      ctx.strokeStyle = styled(colour);
      ctx.lineWidth = width * devicePixelRatio;
      ctx.stroke();
    }
  }
}

function dot(ctx, [x, y], size, square) {
  if (square) return ctx.fillRect(x - size / 2, y - size / 2, size, size);
  ctx.beginPath();
  ctx.arc(x, y, size / 2, 0, 2 * Math.PI);
  ctx.fill();
}

/* The range of the values with a margin; one around a single value. */
function padded(values) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = high > low ? (high - low) * 0.04 : Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}

function scaleAxis(name, size, space) {
  const faint = { stroke: () => styled("--line"), width: 1 };
  return {
    label: name,
    stroke: () => styled("--quiet"),
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    labelSize: 20,
    labelGap: 0,
    size,
    gap: 4,
    space,
    grid: faint,
    ticks: { show: false },
    values: (_, splits) => splits.map((split) => String(Number(split.toPrecision(6)))),
  };
}
