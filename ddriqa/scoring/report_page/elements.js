/* Making elements. Data only ever become text or attributes, never markup. */

function element(tag, properties = {}, ...children) {
  const { data, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

const label = (node, text) => (node.setAttribute("aria-label", text), node);
