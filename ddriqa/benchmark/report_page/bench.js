/* Plots appear when they come into sight; the legend of a data set picks groups in all of them. */

const { sets: SETS } = JSON.parse(document.getElementById("data").textContent);
const CHOSEN = SETS.map(() => new Set());
const DRAWN = [];

function draw(box) {
  const { set, metric } = box.closest(".plot").dataset;
  const scatter = new Scatter(box, SETS[set], SETS[set].metrics[metric], CHOSEN[set]);
  addTip(scatter);
  DRAWN.push(scatter);
}

function buildLegend(box) {
  const set = SETS[box.dataset.set];
  const chosen = CHOSEN[box.dataset.set];
  const buttons = set.groups.map((name, group) => {
    const button = element("button", { type: "button", ariaPressed: "false" }, name);
    button.addEventListener("click", () => {
      if (!chosen.delete(group)) chosen.add(group);
      button.ariaPressed = String(chosen.has(group));
      for (const scatter of DRAWN) if (scatter.set === set) scatter.repaint();
    });
    return button;
  });
  const colour = () =>
    buttons.forEach((button, group) => button.style.setProperty("--colour", colourOf(set, group)));
  colour();
  DARK.addEventListener("change", colour);
  box.append(...buttons);
}

document.querySelectorAll(".legend").forEach(buildLegend);
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      draw(target);
    }
  },
  { rootMargin: "400px" },
);
document.querySelectorAll(".chart").forEach((box) => sight.observe(box));
DARK.addEventListener("change", () => DRAWN.forEach((scatter) => scatter.repaint()));
document.body.dataset.ready = "yes";
