// Runs one by one: a list of those that are selected, and one of them in detail.

import { el, shade, short } from "./dom.js";
import { settingsOf, table } from "./data.js";

/** Runs that are listed before one asks for all. */
const RUNS_LISTED = 30;

/** Rounds of a table of classes or weights that are shown. */
const COLUMNS = 31;

/** Workers of a table of weights. */
const ROWS = 120;

/**
 * The runs of what is pinned, or of all that is shown.
 * @param {App} app
 */
function selected({ shown, selection }) {
  const pinned = shown.filter((group) => group.key === selection.pin);
  return (pinned.length > 0 ? pinned : shown).flatMap((group) => group.runs);
}

/**
 * @param {App} app
 * @param {HTMLElement} root
 */
export function runs(app, root) {
  const { model, selection } = app;
  const all = selected(app);
  const share = model.quantities[selection.measure].scale === "share";
  // What all runs have in common stands at the top of the page.
  const told = model.factors.map((_, f) => f).filter((f) => f === 0 || model.factors[f].values.length > 1);
  const head = ["", ...told.map((f) => model.factors[f].name), "seed", "state", model.quantities[selection.measure].label];
  const body = el("tbody");
  const list = (/** @type {number} */ count) => body.replaceChildren(...all.slice(0, count).map((run) => {
    const open = el("button", { class: "open", "aria-pressed": String(run.folder === selection.run), onclick: () => app.change({ run: run.folder === selection.run ? null : run.folder }) }, run.folder === selection.run ? "close" : "open");
    open.setAttribute("aria-label", `${run.folder === selection.run ? "close" : "open"} ${run.folder}`);
    return el("tr", { class: run.folder === selection.run ? "own" : null }, el("td", {}, open),
      ...told.map((f) => el("td", {}, el("bdi", { text: model.factors[f].values[run.factors[f]] }))),
      el("td", { class: "number", text: run.seed }), el("td", { class: run.state, text: run.state }), el("td", { class: "number", text: short(run.finals[selection.measure], share) }));
  }));
  list(RUNS_LISTED);
  const more = all.length > RUNS_LISTED ? el("button", { onclick: (/** @type {Event} */ e) => { list(all.length); /** @type {HTMLElement} */ (e.target).remove(); } }, `Show all ${all.length}`) : null;
  root.replaceChildren(
    el("h2", { text: `Runs (${all.length})` }),
    el("div", { class: "wide" }, el("table", { class: "list" }, el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col", text })))), body)),
    more ?? "",
  );
  const run = model.runs.find((r) => r.folder === selection.run);
  if (run) root.append(detail(app, run, all));
}

/**
 * @param {App} app
 * @param {Run} run
 * @param {Run[]} others
 */
function detail(app, run, others) {
  const { model } = app;
  const title = model.factors.map((f, i) => f.values[run.factors[i]]).join(" · ");
  const facts = run.facts.map(([k, v]) => /** @type {[string, string]} */ ([model.keys[k], model.values[v]]));
  const byzantine = run.byzantine ? (run.byzantine.length > 0 ? run.byzantine.join(", ") : "none") : "not known, or changing from round to round";
  const pairs = [["folder", run.folder], ["state", run.note ? `${run.state}: ${run.note}` : run.state], ["Byzantine workers", byzantine], ...messages(model, run), ...facts];
  const command = el("input", { class: "command", readonly: true, value: run.command, "aria-label": "command that repeats the run", onfocus: (/** @type {Event} */ e) => /** @type {HTMLInputElement} */ (e.target).select() });
  const node = el("section", { class: "detail", id: "run", "aria-label": `run ${run.folder}` },
    el("h3", {}, el("bdi", { text: `${title}, seed ${run.seed}` })),
    el("label", { class: "repeat" }, el("span", { text: "Repeat it: " }), command),
    el("div", { class: "two" }, el("dl", {}, ...pairs.flatMap(([k, v]) => [el("dt", { text: k }), el("dd", {}, el("bdi", { text: v }))])), settings(app, run, others)),
    el("h4", { text: "Accuracy in each class" }), heat(table(model, run.classes), (i) => `class ${i}`, "no run of this folder says", null),
    el("h4", { text: "Weight of each worker's message" }), weights(model, run));
  return node;
}

/**
 * What became of messages and of the rule's solver, from the last measurements.
 * @param {Model} model
 * @param {Run} run
 * @returns {[string, string][]}
 */
function messages(model, run) {
  /** @type {[string, string, string][]} */
  const wanted = [
    ["dropped", "dropped messages, not finite", "sum"], ["skipped", "skipped rounds", "last"], ["present", "workers that took part", "last"],
    ["iterations", "iterations of the rule", "last"], ["relative-gap", "certified relative gap, largest", "max"], ["byzantine-weight", "weight of Byzantine messages, final", "final"],
  ];
  return wanted.flatMap(([name, label, how]) => {
    const q = model.quantities.findIndex((quantity) => quantity.name === name);
    const curve = run.curves.find((c) => c[0] === q);
    if (!curve) return [];
    const values = [...model.singles.subarray(curve[2], curve[2] + model.grids[curve[1]].length)].filter(Number.isFinite);
    if (values.length === 0) return [];
    const at = { sum: values.reduce((a, b) => a + b, 0), max: Math.max(...values), last: values[values.length - 1], final: run.finals[q] }[how];
    const text = how === "sum" ? `${short(at)} in the ${values.length} rounds that were measured` : short(at);
    return [/** @type {[string, string]} */ ([label, text])];
  });
}

/**
 * The configuration, what differs among the selected runs first.
 * @param {App} app
 * @param {Run} run
 * @param {Run[]} others
 */
function settings({ model }, run, others) {
  const own = settingsOf(model, run);
  /** @type {Map<string, Set<string>>} */
  const seen = new Map();
  const sample = others.length > 2000 ? others.slice(0, 2000) : others;
  const maps = sample.map((other) => settingsOf(model, other));
  for (const map of [own, ...maps]) for (const key of map.keys()) seen.set(key, seen.get(key) ?? new Set());
  for (const [key, values] of seen) for (const map of [own, ...maps]) values.add(map.get(key) ?? "not set");
  const keys = [...seen.keys()].sort();
  const differs = (/** @type {string} */ key) => (seen.get(key)?.size ?? 0) > 1;
  const row = (/** @type {string} */ key) => {
    const rest = [...(seen.get(key) ?? [])].filter((v) => v !== (own.get(key) ?? "not set"));
    const text = rest.length === 0 ? "" : rest.slice(0, 4).join(", ") + (rest.length > 4 ? ` and ${rest.length - 4} more` : "");
    return el("tr", { class: differs(key) ? "differs" : null }, el("th", { scope: "row" }, el("bdi", { text: key })), el("td", {}, el("bdi", { text: own.get(key) ?? "not set" })), el("td", {}, el("bdi", { text })));
  };
  const sorted = [...keys.filter(differs), ...keys.filter((key) => !differs(key))];
  return el("div", { class: "wide" }, el("table", { class: "settings" }, el("caption", { text: "Configuration; what differs among the selected runs comes first" }),
    el("thead", {}, el("tr", {}, ...["key", "this run", "others"].map((text) => el("th", { scope: "col", text })))), el("tbody", {}, ...sorted.map(row))));
}

/**
 * A table over rounds in colours.
 * @param {Table | null} data
 * @param {(row: number) => string} name
 * @param {string} without what to say where there is none
 * @param {number[] | null} rows which rows, in their order
 */
function heat(data, name, without, rows) {
  if (!data) return el("p", { class: "hint", text: without });
  const every = Math.ceil(data.rounds.length / COLUMNS);
  const places = data.rounds.map((_, i) => i).filter((i) => i % every === 0 || i === data.rounds.length - 1);
  const shown = rows ?? Array.from({ length: data.columns }, (_, i) => i);
  const known = data.values.filter(Number.isFinite);
  const most = rows === null ? 1 : known.reduce((a, b) => Math.max(a, b), 0) || 1;
  const head = el("tr", {}, el("th", { scope: "col", text: "round" }), ...places.map((i) => el("th", { scope: "col", text: String(data.rounds[i]) })));
  const body = el("tbody");
  for (const row of shown) {
    const tr = el("tr", {}, el("th", { scope: "row", text: name(row) }));
    for (const i of places) {
      const value = data.values[i * data.columns + row];
      const td = el("td", { text: Number.isFinite(value) ? value.toFixed(2).replace(/^0/, "") : "–" });
      if (Number.isFinite(value)) [td.style.background, td.style.color] = shade(value / most);
      tr.append(td);
    }
    body.append(tr);
  }
  const told = every > 1 ? `one of ${every} measurements` : "every measurement";
  return el("div", { class: "wide" }, el("table", { class: "heat" }, el("caption", { text: `${told}${rows === null ? "" : `; the darkest is ${most.toFixed(3)}`}` }), el("thead", {}, head), body));
}

/**
 * @param {Model} model
 * @param {Run} run
 */
function weights(model, run) {
  const data = table(model, run.weights);
  const bad = new Set(run.byzantine ?? []);
  const name = (/** @type {number} */ w) => `worker ${w}${bad.has(w) ? ", Byzantine" : ""}`;
  const all = Array.from({ length: data?.columns ?? 0 }, (_, i) => i);
  const rows = [...all.filter((w) => bad.has(w)), ...all.filter((w) => !bad.has(w))];
  const node = heat(data, name, "This run did not record them: [telemetry] weights = true in its file does, for rules that have weights.", rows.slice(0, ROWS));
  return rows.length > ROWS ? el("div", {}, el("p", { class: "hint", text: `The first ${ROWS} of ${rows.length} workers, Byzantine ones first.` }), node) : node;
}
