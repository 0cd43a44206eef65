// The page: what is selected decides what is shown.

import { el } from "./dom.js";
import { load } from "./data.js";
import { fromHash, matches, nothing, toHash } from "./selection.js";
import { overview } from "./overview.js";
import { Curves } from "./curves.js";
import { runs } from "./run.js";
import { compare } from "./compare.js";

/**
 * What all runs have in common, in a few words.
 * @param {Model} model
 */
function asked(model) {
  const settings = new Map(model.common.map(([k, v]) => [model.keys[k], model.values[v]]));
  const below = (/** @type {string} */ root) => [...settings].filter(([key]) => key === root || key.startsWith(`${root}.`)).map(([key, value]) => `${key.slice(root.length + 1).replaceAll(".", " ")} ${value}`.trim()).join(", ");
  const factor = (/** @type {Factor} */ f) => (f.values.length === 1 ? f.values[0] : f.values.length <= 12 ? f.values.join(", ") : `${f.values.slice(0, 10).join(", ")} and ${f.values.length - 10} more`);
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { state } of model.runs) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`);
  const seeds = new Set(model.runs.map((run) => run.seed));
  /** @type {[string, string][]} */
  const facts = [
    ["data", below("data")],
    ["workers", [below("federation.workers"), below("federation.byzantine") ? `Byzantine: ${below("federation.byzantine")}` : "", below("federation.participation") ? `participation: ${below("federation.participation")}` : ""].filter(Boolean).join("; ")],
    ["model", below("model")],
    ["training", [below("train"), settings.has("rounds") ? `${settings.get("rounds")} rounds` : ""].filter(Boolean).join("; ")],
    ...model.factors.map((f) => /** @type {[string, string]} */ ([f.values.length > 1 ? `${f.name} (${f.values.length})` : f.name, factor(f)])),
    ["seeds", seeds.size > 12 ? String(seeds.size) : [...seeds].join(", ")],
    ["runs", states.join(", ")],
  ];
  return el("dl", { class: "asked" }, ...facts.filter(([, v]) => v).flatMap(([k, v]) => [el("dt", { text: k }), el("dd", {}, el("bdi", { text: v }))]));
}

/**
 * The filters: a list of boxes for each factor.
 * @param {App} app
 * @param {HTMLElement} root
 */
function filters(app, root) {
  const { model, selection } = app;
  const isOpen = [...root.querySelectorAll("details")].findIndex((d) => d.open);
  const factors = model.factors.map((factor, f) => ({ factor, f })).filter(({ factor }) => factor.values.length > 1);
  const set = (/** @type {number} */ f, /** @type {Set<number> | null} */ value) => app.change({ filter: selection.filter.map((old, i) => (i === f ? value : old)) });
  const pickers = factors.map(({ factor, f }, i) => {
    const only = selection.filter[f];
    const words = only === null ? "all" : only.size === 1 ? factor.values[[...only][0]] : `${only.size} of ${factor.values.length}`;
    const boxes = factor.values.map((name, v) => {
      const toggle = () => {
        const next = new Set(only ?? factor.values.keys());
        if (next.has(v)) next.delete(v);
        else next.add(v);
        set(f, next.size === 0 || next.size === factor.values.length ? null : next);
      };
      return el("label", {}, el("input", { type: "checkbox", checked: only?.has(v) ?? true, onchange: toggle }), " ", el("bdi", { text: name }));
    });
    const all = el("button", { onclick: () => set(f, null) }, "All");
    return el("details", { class: `pickers${only ? " on" : ""}`, open: i === isOpen }, el("summary", {}, `${factor.name}: `, el("bdi", { text: words })), el("fieldset", {}, el("legend", { text: factor.name }), all, ...boxes));
  });
  const clear = el("button", { id: "clear", disabled: selection.filter.every((x) => x === null) && selection.pin === null, onclick: () => app.change({ filter: model.factors.map(() => null), pin: null }) }, "Show everything");
  const pinned = model.groups.find((g) => g.key === selection.pin);
  const keep = pinned ? el("button", { class: "pinned", onclick: () => app.change({ pin: null }) }, `kept: ${pinned.factors.map((v, f) => (model.factors[f].values.length > 1 ? model.factors[f].values[v] : "")).filter(Boolean).join(" · ")} ✕`) : null;
  root.replaceChildren(...pickers, clear, keep ?? "", el("span", { class: "hint", text: `${app.shown.reduce((n, g) => n + g.runs.length, 0)} of ${model.runs.length} runs` }));
}

/** Starts the page. */
function start() {
  performance.mark("begin");
  const model = load();
  const page = /** @type {HTMLElement} */ (document.getElementById("page"));
  if (model.runs.length === 0) {
    page.replaceChildren(el("p", { text: "No run could be read." }));
    return;
  }
  const [bar, top, middle, list, versus] = ["filters", "overview", "curves", "runs", "compare"].map((id) => el(id === "filters" ? "nav" : "section", { id, "aria-label": id }));
  const live = el("div", { class: "live", role: "status", "aria-live": "polite" });
  page.replaceChildren(asked(model), bar, top, middle, list, versus, live);
  /** @type {(changed: string[]) => void} */
  let draw = () => {};
  /** @type {App} */
  const app = {
    model,
    selection: fromHash(model, location.hash),
    shown: [],
    change(patch) {
      app.selection = { ...app.selection, ...patch };
      history.replaceState(null, "", `#${toHash(model, app.selection)}`);
      draw(Object.keys(patch));
    },
    say: (text) => (live.textContent = text),
  };
  const curves = new Curves(app, middle);
  draw = (changed) => {
    performance.mark("draw");
    app.shown = model.groups.filter((group) => matches(app.selection, group.factors));
    document.documentElement.dataset.theme = app.selection.theme;
    const is = (/** @type {string[]} */ keys) => changed.some((key) => keys.includes(key));
    const focus = document.activeElement?.id;
    if (is(["filter", "pin"])) filters(app, bar);
    if (is(["filter", "measure", "sort"])) overview(app, top);
    if (is(["filter", "x", "panels", "scale", "smooth", "lines", "references", "zoom", "pin", "theme"])) curves.draw();
    if (is(["filter", "pin", "run", "measure"])) runs(app, list);
    if (is(["filter", "measure", "compare", "theme"])) compare(app, versus);
    if (focus) document.getElementById(focus)?.focus();
    performance.measure("redraw", "draw");
  };
  const everything = Object.keys(nothing(model));
  draw(everything);
  addEventListener("hashchange", () => {
    app.selection = fromHash(model, location.hash);
    draw(everything);
  });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (width === innerWidth) return;
    width = innerWidth;
    draw(["theme"]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(["theme"]));
  tools(app);
  paper(curves, middle);
  again(model);
  performance.measure("start", "begin");
}

/** @param {App} app */
function tools(app) {
  const button = el("button", { id: "theme", onclick: () => {
    const themes = /** @type {const} */ (["auto", "light", "dark"]);
    app.change({ theme: themes[(themes.indexOf(app.selection.theme) + 1) % 3] });
    button.textContent = `colours: ${app.selection.theme}`;
  } }, `colours: ${app.selection.theme}`);
  document.getElementById("tools")?.replaceChildren(button);
}

/**
 * On paper curves are drawn as lines, in the colours of paper.
 * @param {Curves} curves
 * @param {HTMLElement} root
 */
function paper(curves, root) {
  const sheet = el("div", { class: "paper" });
  root.append(sheet);
  addEventListener("beforeprint", () => {
    const image = new DOMParser().parseFromString(curves.picture(), "image/svg+xml").documentElement;
    sheet.replaceChildren(image);
  });
  addEventListener("afterprint", () => sheet.replaceChildren());
}

/**
 * Loads the page again while its runs are under way, unless somebody is at it.
 * @param {Model} model
 */
function again(model) {
  const seconds = model.reload;
  if (!seconds) return;
  const button = el("button", { id: "again", "aria-pressed": "true" }, `reloads every ${seconds} s`);
  let on = true;
  button.addEventListener("click", () => {
    on = !on;
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? `reloads every ${seconds} s` : "does not reload";
  });
  document.getElementById("tools")?.append(button);
  setInterval(() => {
    if (on && !document.hidden && !document.querySelector("details[open]")) location.reload();
  }, seconds * 1000);
}

start();
