/* What a point is: its picture's name, label and score beside the pointer; a click opens it. */

const REACH = 14; // pixels
const PATIENCE = 150; // milliseconds on a point before its picture is loaded

function addTip(scatter) {
  const { over } = scatter.plot;
  const tip = element("div", { className: "tip", hidden: true });
  const ring = element("div", { className: "ring", hidden: true });
  over.append(ring, tip);
  let at = null;
  let waiting = 0;

  function show(index) {
    if (index === at) return;
    at = index;
    clearTimeout(waiting);
    tip.hidden = ring.hidden = index === null;
    over.classList.toggle("pointing", index !== null && scatter.set.links[index] !== null);
    if (index === null) return;
    const [x, y] = scatter.place(index, over.getBoundingClientRect());
    Object.assign(ring.style, { left: `${x}px`, top: `${y}px` });
    tip.replaceChildren(...wordsOf(scatter, index));
    beside(tip, over, x, y);
    waiting = setTimeout(() => addPicture(tip, scatter.set, index, () => at === index), PATIENCE);
  }

  const pointed = (event) => show(nearest(scatter, event, over.getBoundingClientRect()));
  over.addEventListener("pointermove", pointed);
  over.addEventListener("pointerdown", pointed);
  over.addEventListener("pointerleave", () => show(null));
  over.addEventListener("click", () => {
    const address = at === null ? null : addressOf(scatter.set, at);
    if (address !== null) window.open(address, "_blank", "noopener");
  });
}

const addressOf = (set, index) => (set.links[index] === null ? null : set.base + set.links[index]);

function nearest(scatter, event, box) {
  let found = null;
  let best = REACH * REACH;
  for (const index of scatter.shown) {
    const [x, y] = scatter.place(index, box);
    const distance = (x - (event.clientX - box.left)) ** 2 + (y - (event.clientY - box.top)) ** 2;
    if (distance < best && scatter.isChosen(index)) [found, best] = [index, distance];
  }
  return found;
}

function wordsOf({ set, metric }, index) {
  const group = set.group[index];
  return [
    element("b", {}, set.names[index]),
    element("span", {}, `${set.label} ${set.labels[index]}`),
    element("span", {}, `${metric.name} ${metric.scores[index]}`),
    ...(group === null ? [] : [element("span", { className: "quiet" }, set.groups[group])]),
  ];
}

/* The thumbnail where there is one, else the picture itself where it can be had. */
function addPicture(tip, set, index, wanted) {
  const small = set.thumbnails[index];
  const src = small ? `thumbnails/${small}` : addressOf(set, index);
  if (src === null) return;
  const image = element("img", { alt: "", decoding: "async" });
  image.addEventListener("load", () => wanted() && tip.prepend(image));
  image.src = src;
}

/* On the side of the point where there is more room. */
function beside(tip, over, x, y) {
  const { clientWidth: width, clientHeight: height } = over;
  const [left, up] = [x > width / 2, y > height / 2];
  Object.assign(tip.style, {
    left: left ? "auto" : `${x + 12}px`,
    right: left ? `${width - x + 12}px` : "auto",
    top: up ? "auto" : `${y + 8}px`,
    bottom: up ? `${height - y + 8}px` : "auto",
  });
}
