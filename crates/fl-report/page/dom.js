// Elements and numbers as text.

/**
 * An element. Attributes that begin with "on" are listeners; `text` is its text, which is never read as HTML.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {(Node | string | null)[]} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * A choice among a few values.
 * @param {string} label
 * @param {[string, string][]} options values with their words
 * @param {string} value
 * @param {(value: string) => void} choose
 */
export function choice(label, options, value, choose) {
  const select = /** @type {HTMLSelectElement} */ (
    el("select", { onchange: (/** @type {Event} */ e) => choose(/** @type {HTMLSelectElement} */ (e.target).value) })
  );
  for (const [key, words] of options) {
    select.append(el("option", { value: key, text: words, selected: key === value }));
  }
  return el("label", { class: "choice" }, el("span", { text: label }), select);
}

/**
 * A number to as many digits as a page needs.
 * @param {number | null | undefined} value
 * @param {boolean} [isShare] whether it lies between 0 and 1
 */
export function short(value, isShare = false) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (isShare) return value.toFixed(3).replace("-", "−");
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return exponent(value, 2);
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/**
 * A number to six digits, which is what single precision can promise.
 * @param {number} value
 */
export function exact(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))).replace("-", "−") : "–";
}

/**
 * @param {number} value
 * @param {number} digits
 */
export function exponent(value, digits) {
  const [mantissa, power] = value.toExponential(digits).split("e");
  const raised = [...String(Number(power))].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("");
  return `${mantissa.replace("-", "−")}·10${raised}`;
}

/**
 * Lets arrow keys move the focus within a table of buttons, of which one is reached by the tab key.
 * @param {HTMLElement} table
 */
export function rove(table) {
  const buttons = () => [...table.querySelectorAll("tr")].map((row) => [...row.querySelectorAll("button")]).filter((row) => row.length > 0);
  buttons().forEach((row, i) => row.forEach((button, j) => button.setAttribute("tabindex", i + j === 0 ? "0" : "-1")));
  table.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const rows = buttons();
    const at = rows.findIndex((row) => row.includes(/** @type {HTMLButtonElement} */ (event.target)));
    if (!step || at < 0) return;
    const place = rows[at].indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const row = rows[Math.min(Math.max(at + step[0], 0), rows.length - 1)];
    const next = row[Math.min(Math.max(place + step[1], 0), row.length - 1)];
    event.preventDefault();
    rows[at][place].setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
}

/**
 * Colours of a scale from nearly white to dark blue, which get darker all the way, and a colour for text on them.
 * @param {number} place between 0 and 1
 * @returns {[string, string]}
 */
export function shade(place) {
  const shades = [[247, 250, 253], [156, 208, 240], [43, 131, 186], [6, 47, 92]];
  const at = Math.min(Math.max(place, 0), 1) * (shades.length - 1);
  const below = Math.min(Math.floor(at), shades.length - 2);
  const colour = shades[below].map((a, i) => Math.round(a + (shades[below + 1][i] - a) * (at - below)));
  const linear = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  // Of black and white the one with more contrast; both sides are above 4.5 there.
  return [`rgb(${colour.join(" ")})`, light > 0.179 ? "#000" : "#fff"];
}
