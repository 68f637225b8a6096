// Small pieces of page: elements, messages, the sheet that slides over. Text nodes only, so no answer can become markup.

export const at = (id) => document.getElementById(id);

// h("p", {class: "x"}, "text", child...): attributes are set as attributes, `click` as a listener.
export function h(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "click") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

export const en = (text) => h("small", { lang: "en" }, text);
export const main = (zh, english, click) => h("button", { type: "button", class: "main", click }, zh, " ", en(english));
export const plain = (zh, english, click) => h("button", { type: "button", class: "plain", click }, zh, " ", en(english));
export const card = (title, lines, click) =>
  h(click ? "button" : "div", { class: "card", type: click ? "button" : null, click: click || (() => {}) },
    h("b", {}, title), lines.map((line) => h("p", {}, line)));

export function show(...children) {
  at("main").replaceChildren(...children.flat(Infinity));
  at("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

export function say(text, kind = "") {
  at("said").textContent = text;
  at("said").className = kind;
}

// A question over the page. `build(done)` makes its content; the promise gives what `done` was called with, null if closed.
export function sheet(title, build, kind = "") {
  const dialog = at("sheet");
  return new Promise((resolve) => {
    let answer = null;
    const done = (value) => { answer = value; dialog.close(); };
    dialog.className = kind;
    dialog.replaceChildren(h("h2", { id: "sheet-title" }, title), ...[build(done)].flat(Infinity));
    dialog.addEventListener("close", () => resolve(answer), { once: true });
    dialog.showModal();
  });
}
