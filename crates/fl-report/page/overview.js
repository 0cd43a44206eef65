// What came of it: the answer in words, and tables of methods by attacks.

import { choice, el, rove, shade, short } from "./dom.js";
import { final } from "./data.js";
import { bySeed, paired } from "./statistics.js";
import { csv, download } from "./save.js";

/** Tables that are shown at a time. */
const TABLES = 6;

/**
 * A part of the runs in which nothing but methods, attacks and seeds differ.
 * @typedef {{ name: string, groups: Group[] }} Part
 */

/**
 * The parts of what the filter lets through.
 * @param {App} app
 * @returns {Part[]}
 */
export function parts({ model, shown }) {
  /** @type {Map<string, Part>} */
  const found = new Map();
  for (const group of shown) {
    const others = group.factors.slice(2);
    const name = others.map((value, f) => `${model.factors[f + 2].name} = ${model.factors[f + 2].values[value]}`).join(", ");
    const part = found.get(String(others)) ?? { name, groups: [] };
    part.groups.push(group);
    found.set(String(others), part);
  }
  return [...found.values()];
}

/**
 * Methods by the attack that leaves least of each, best first. A method that has not met every attack is left out.
 * @param {App} app
 * @param {Part} part
 * @param {number} measure
 */
export function worstCases({ model }, part, measure) {
  const { high } = model.quantities[measure];
  /** @type {Map<number, { group: Group, mean: Mean }[]>} */
  const methods = new Map();
  for (const group of part.groups) {
    const mean = final(model, group, measure);
    if (mean) methods.set(group.factors[0], [...(methods.get(group.factors[0]) ?? []), { group, mean }]);
  }
  const count = Math.max(0, ...[...methods.values()].map((list) => list.length));
  const sign = high ? 1 : -1;
  const worst = [...methods.values()]
    .filter((list) => list.length === count)
    .map((list) => list.reduce((a, b) => (sign * (b.mean.mean - a.mean.mean) < 0 ? b : a)));
  // No attack is none.
  const isNone = part.groups.some((group) => model.factors[1].values[group.factors[1]] === "none");
  return { attacks: count - (isNone ? 1 : 0), cases: worst.sort((a, b) => sign * (b.mean.mean - a.mean.mean)) };
}

/**
 * @param {Mean} mean
 * @param {boolean} share
 */
function interval(mean, share) {
  if (mean.half === null) return `${short(mean.mean, share)} (one seed)`;
  return `${short(mean.mean, share)} [${short(mean.mean - mean.half, share)}, ${short(mean.mean + mean.half, share)}]`;
}

/**
 * The answer for one part.
 * @param {App} app
 * @param {Part} part
 */
function answer(app, part) {
  const { model, selection } = app;
  const quantity = model.quantities[selection.measure];
  const share = quantity.scale === "share";
  const { attacks, cases } = worstCases(app, part, selection.measure);
  const lead = part.name === "" ? null : el("strong", { text: `${part.name}: ` });
  if (cases.length === 0) return el("p", {}, lead, "no method has a value for each attack and seed yet.");
  const [best, next] = cases;
  const word = (/** @type {Group} */ group, /** @type {number} */ f) => model.factors[f].values[group.factors[f]];
  const under = (/** @type {{ group: Group }} */ c) => (model.factors[1].values.length > 1 || word(c.group, 1) !== "none" ? ` under ${word(c.group, 1)}` : "");
  const text = [`${quantity.label}: `];
  if (attacks > 1) text.push(`over ${attacks} attacks, ${word(best.group, 0)} has the best worst case, ${interval(best.mean, share)}${under(best)}.`);
  else text.push(`${word(best.group, 0)} is ahead with ${interval(best.mean, share)}${under(best)}.`);
  if (next) {
    const value = (/** @type {Group} */ group) => bySeed(group.runs, (run) => run.finals[selection.measure]);
    const gap = paired(value(best.group), value(next.group), model.t);
    text.push(` Next is ${word(next.group, 0)} with ${interval(next.mean, share)}${attacks > 1 ? under(next) : ""}`);
    if (gap && gap.half !== null) {
      const apart = Math.abs(gap.mean) > gap.half;
      text.push(`; paired by ${gap.count} seeds the difference is ${interval(gap, share)}${apart ? "" : ", which does not tell them apart"}`);
    }
    text.push(".");
  }
  return el("p", {}, lead, text.join(""));
}

/**
 * Rows of a part's table.
 * @param {App} app
 * @param {Part} part
 */
function tableOf(app, part) {
  const { model, selection } = app;
  const used = (/** @type {number} */ f) => [...new Set(part.groups.map((g) => g.factors[f]))].sort((a, b) => a - b);
  const [methods, attacks] = [used(0), used(1)];
  const sign = model.quantities[selection.measure].high ? 1 : -1;
  const rows = methods.map((method) => {
    const cells = attacks.map((attack) => {
      const group = part.groups.find((g) => g.factors[0] === method && g.factors[1] === attack);
      return { group, attack, mean: group ? final(model, group, selection.measure) : null };
    });
    const known = cells.filter((cell) => cell.mean !== null);
    const worst = known.reduce((a, b) => (a === null || sign * (Number(b.mean?.mean) - Number(a.mean?.mean)) < 0 ? b : a), /** @type {typeof cells[0] | null} */ (null));
    return { method, cells, worst: known.length === cells.length ? worst : null };
  });
  const key = (/** @type {typeof rows[0]} */ row) => {
    const cell = selection.sort === "worst" ? row.worst : row.cells.find((c) => model.factors[1].values[c.attack] === selection.sort);
    return cell?.mean ? sign * cell.mean.mean : -Infinity;
  };
  if (selection.sort !== "name") rows.sort((a, b) => key(b) - key(a) || a.method - b.method);
  return { attacks, rows };
}

/**
 * Where a value lies on the scale of colours.
 * @param {Quantity} quantity
 * @param {number[]} all
 */
function colouring(quantity, all) {
  if (quantity.scale === "share") return (/** @type {number} */ v) => v;
  const log = quantity.scale === "log";
  const used = all.map((v) => (log ? Math.log(v) : v)).filter(Number.isFinite);
  const [low, high] = [Math.min(...used), Math.max(...used)];
  return (/** @type {number} */ v) => ((log ? Math.log(v) : v) - low) / (high - low || 1);
}

/**
 * @param {App} app
 * @param {Part} part
 */
function drawTable(app, part) {
  const { model, selection } = app;
  const quantity = model.quantities[selection.measure];
  const { attacks, rows } = tableOf(app, part);
  const place = colouring(quantity, rows.flatMap((row) => row.cells.map((cell) => cell.mean?.mean ?? NaN)));
  const only = (/** @type {(number | null)[]} */ values) => ({ filter: selection.filter.map((old, f) => (values[f] === null || values[f] === undefined ? old : new Set([Number(values[f])]))) });
  const head = el("tr", {}, el("th", { scope: "col", "aria-sort": selection.sort === "name" ? "ascending" : null }, sorter(app, "name", model.factors[0].name)));
  const many = attacks.length > 1;
  if (many) head.append(el("th", { scope: "col", class: "worst", "aria-sort": selection.sort === "worst" ? "descending" : null }, sorter(app, "worst", "worst case")));
  for (const attack of attacks) {
    const name = model.factors[1].values[attack];
    const pick = el("button", { class: "pick", title: `Show ${name} alone`, onclick: () => app.change(only([null, attack])) }, name);
    head.append(el("th", { scope: "col", "aria-sort": selection.sort === name ? "descending" : null }, pick, sorter(app, name, "")));
  }
  const body = el("tbody");
  for (const row of rows) {
    const name = model.factors[0].values[row.method];
    const tr = el("tr", {}, el("th", { scope: "row" }, el("button", { class: "pick", title: `Show ${name} alone`, onclick: () => app.change(only([row.method])) }, name)));
    if (many) tr.append(cellOf(app, row.worst, place, () => app.change(only([row.method, row.worst?.attack ?? null])), true));
    for (const cell of row.cells) tr.append(cellOf(app, cell, place, () => app.change(only([row.method, cell.attack])), false));
    body.append(tr);
  }
  const table = el("table", { class: "matrix" }, el("caption", { text: `${quantity.label}${part.name ? `, ${part.name}` : ""}` }), el("thead", {}, head), body);
  rove(table);
  return el("div", { class: "wide" }, table);
}

/**
 * @param {App} app
 * @param {string} key
 * @param {string} words
 */
function sorter(app, key, words) {
  const on = app.selection.sort === key;
  const label = words === "" ? `Sort by ${key}` : `Sort by ${words}`;
  return el("button", { class: `sort${on ? " on" : ""}`, "aria-label": label, title: label, onclick: () => app.change({ sort: key }) }, words, el("span", { "aria-hidden": "true", text: on ? " ▾" : " ▿" }));
}

/**
 * @param {App} app
 * @param {{ group: Group | undefined, attack: number, mean: Mean | null } | null} cell
 * @param {(value: number) => number} place
 * @param {() => void} pick
 * @param {boolean} isWorst
 */
function cellOf(app, cell, place, pick, isWorst) {
  const { model, selection } = app;
  if (!cell?.group) return el("td", { class: "none", text: cell && !isWorst ? "" : "–" });
  const share = model.quantities[selection.measure].scale === "share";
  const { group, mean } = cell;
  const open = group.runs.filter((run) => run.state !== "finished");
  const marks = open.length > 0 ? el("span", { class: "mark", title: open.map((run) => `seed ${run.seed}: ${run.state}`).join(", "), text: ` ${open.length} ${open[0].state}` }) : null;
  const td = el("td", { class: isWorst ? "worst" : null });
  const attack = model.factors[1].values[cell.attack];
  if (!mean) {
    td.append(el("button", { class: "cell", onclick: pick }, el("b", { text: "–" }), marks));
    return td;
  }
  const [ground, ink] = shade(place(mean.mean));
  td.style.background = ground;
  const spread = mean.half === null ? "one seed" : `± ${short(mean.half, share)}`;
  const worst = `${model.quantities[selection.measure].high ? "min" : "max"} ${short(mean.worst, share)}`;
  const button = el("button", { class: "cell", title: `${model.factors[0].values[group.factors[0]]} under ${attack}: ${short(mean.mean, share)} ${spread}, worst of ${mean.count} seeds ${short(mean.worst, share)}`, onclick: pick },
    el("b", { text: short(mean.mean, share) }), el("small", { text: spread }), el("small", { text: isWorst ? attack : worst }), marks);
  button.style.color = ink;
  td.append(button);
  return td;
}

/**
 * The table as rows of a file: a line a group.
 * @param {App} app
 */
export function rowsOf(app) {
  const { model, selection } = app;
  const name = model.quantities[selection.measure].name;
  const rows = [[...model.factors.map((f) => f.name), "seeds", `mean ${name}`, "half width 95", "worst seed"]];
  /** @type {(string | number | null)[][]} */
  const all = [...rows];
  for (const part of parts(app)) {
    for (const row of tableOf(app, part).rows) {
      for (const { group, mean } of row.cells) {
        if (group) all.push([...group.factors.map((v, f) => model.factors[f].values[v]), group.runs.length, mean?.mean ?? null, mean?.half ?? null, mean?.worst ?? null]);
      }
    }
  }
  return all;
}

/**
 * @param {App} app
 * @param {HTMLElement} root
 */
export function overview(app, root) {
  const { model, selection } = app;
  const all = parts(app);
  const options = model.measured.map((q) => /** @type {[string, string]} */ ([String(q), model.quantities[q].label]));
  const tools = el("div", { class: "tools" },
    choice("measure", options, String(selection.measure), (value) => app.change({ measure: Number(value) })),
    el("button", { id: "table-csv", onclick: () => download("table.csv", "text/csv", csv(rowsOf(app))) }, "CSV"));
  const shown = all.slice(0, TABLES);
  const rest = all.length - shown.length;
  root.replaceChildren(
    el("h2", { text: "What came of it" }),
    el("div", { class: "answers" }, ...shown.map((part) => answer(app, part))),
    tools,
    el("div", { class: "tables" }, ...shown.map((part) => drawTable(app, part))),
    el("p", { class: "hint", text: `Mean over seeds of the mean over the last evaluations, ± half of its 95 % interval (Student's t over seeds), and the worst seed.${rest > 0 ? ` ${rest} more tables are behind the filters.` : ""}` }),
  );
}
