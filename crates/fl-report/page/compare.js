// Two selections side by side, paired by seed.

import { choice, el, short } from "./dom.js";
import { series } from "./data.js";
import { bySeed, meanOf, paired } from "./statistics.js";
import { extent } from "./scale.js";
import { worstCases, parts } from "./overview.js";
import { Panel, palette } from "./panel.js";
import { csv, download } from "./save.js";

/**
 * Two groups that differ in nothing but what is compared.
 * @typedef {{ name: string, a: Group, b: Group }} Pair
 */

/**
 * What is compared where nothing was chosen: the two methods with the best worst cases.
 * @param {App} app
 * @returns {([number, number] | null)[]}
 */
export function sides(app) {
  const { model, selection } = app;
  if (selection.compare.some((side) => side !== null)) return selection.compare;
  const first = parts(app)[0];
  const best = first ? worstCases(app, first, selection.measure).cases : [];
  const methods = best.length > 1 ? [best[0].group.factors[0], best[1].group.factors[0]] : [0, Math.min(1, model.factors[0].values.length - 1)];
  return model.factors.map((_, f) => (f === 0 ? [methods[0], methods[1]] : null));
}

/**
 * The pairs that the filter lets through; what is compared itself is not filtered.
 * @param {App} app
 * @param {([number, number] | null)[]} chosen what is compared
 * @returns {Pair[]}
 */
export function pairs({ model, selection }, chosen) {
  const matched = (/** @type {Group} */ g, /** @type {0 | 1} */ side) => chosen.every((s, f) => (s === null ? selection.filter[f]?.has(g.factors[f]) ?? true : g.factors[f] === s[side]));
  const rest = (/** @type {Group} */ g) => g.factors.filter((_, f) => chosen[f] === null).join();
  const left = model.groups.filter((g) => matched(g, 0));
  const right = new Map(model.groups.filter((g) => matched(g, 1)).map((g) => [rest(g), g]));
  return left.flatMap((a) => {
    const b = right.get(rest(a));
    const name = model.factors.map((factor, f) => (chosen[f] === null && factor.values.length > 1 ? factor.values[a.factors[f]] : "")).filter(Boolean).join(" · ");
    return b && b !== a ? [{ name: name || "all", a, b }] : [];
  });
}

/**
 * @param {App} app
 * @param {Pair[]} all
 */
function differences({ model, selection }, all) {
  const value = (/** @type {Group} */ g) => bySeed(g.runs, (run) => run.finals[selection.measure]);
  const quantity = model.quantities[selection.measure];
  const mean = (/** @type {Map<string, number>} */ m) => meanOf([...m.values()], model.t, quantity.high);
  const rows = all.map((pair) => {
    const [a, b] = [value(pair.a), value(pair.b)];
    return { name: pair.name, a: mean(a), b: mean(b), gap: paired(a, b, model.t) };
  });
  if (all.length < 2) return rows;
  // What each seed came to over all rows, so that seeds stay the units that are independent.
  const overall = (/** @type {"a" | "b"} */ side) => bySeed(all.flatMap((pair) => pair[side].runs), (run) => run.finals[selection.measure]);
  const [a, b] = [overall("a"), overall("b")];
  const worst = (/** @type {"a" | "b"} */ side) => {
    const known = all.map((pair) => pair[side]).filter((g) => mean(value(g)) !== null);
    const sign = quantity.high ? 1 : -1;
    const least = known.reduce((x, y) => (x === null || sign * (Number(mean(value(y))?.mean) - Number(mean(value(x))?.mean)) < 0 ? y : x), /** @type {Group | null} */ (null));
    return least ? value(least) : new Map();
  };
  const [wa, wb] = [worst("a"), worst("b")];
  return [
    { name: "worst case of each", a: mean(wa), b: mean(wb), gap: paired(wa, wb, model.t) },
    { name: "mean over all rows", a: mean(a), b: mean(b), gap: paired(a, b, model.t) },
    ...rows,
  ];
}

/**
 * Curves of both sides and of their difference, means over all pairs.
 * @param {App} app
 * @param {Pair[]} all
 * @param {string[]} names
 */
function curves({ model, selection }, all, names) {
  const quantity = selection.measure;
  const isShare = model.quantities[quantity].scale === "share";
  /** @type {Map<string, { a: Float32Array, b: Float32Array, rounds: number[] }[]>} */
  const seeds = new Map();
  for (const pair of all) {
    for (const run of pair.a.runs) {
      const other = pair.b.runs.find((r) => r.seed === run.seed);
      const [a, b] = [series(model, run, quantity), other ? series(model, other, quantity) : null];
      if (a && b && a.rounds === b.rounds) seeds.set(run.seed, [...(seeds.get(run.seed) ?? []), { a: a.values, b: b.values, rounds: a.rounds }]);
    }
  }
  const rounds = [...seeds.values()][0]?.[0]?.rounds;
  if (!rounds || ![...seeds.values()].flat().every((s) => s.rounds === rounds)) return [];
  const band = (/** @type {(s: { a: Float32Array, b: Float32Array }, i: number) => number} */ of) => {
    const [y, low, high] = [0, 1, 2].map(() => new Float64Array(rounds.length));
    rounds.forEach((_, i) => {
      const values = [...seeds.values()].map((list) => list.reduce((sum, s) => sum + of(s, i), 0) / list.length);
      const mean = meanOf(values, model.t);
      [y[i], low[i], high[i]] = mean ? [mean.mean, mean.mean - (mean.half ?? 0), mean.mean + (mean.half ?? 0)] : [NaN, NaN, NaN];
    });
    return { y, low, high };
  };
  const line = (/** @type {string} */ name, /** @type {number} */ colour, /** @type {ReturnType<typeof band>} */ b) => /** @type {Line} */ ({
    key: name, name, colour, dash: colour, rounds, x: Float64Array.from(rounds), ...b, ty: b.y, banded: true, weight: 1, rank: colour, count: seeds.size,
  });
  const two = [line(names[0], 0, band((s, i) => s.a[i])), line(names[1], 1, band((s, i) => s.b[i]))];
  const gap = [line("difference", 2, band((s, i) => s.a[i] - s.b[i]))];
  const x = { log: false, low: rounds[0], high: rounds[rounds.length - 1], label: "round" };
  const axis = (/** @type {Line[]} */ lines, /** @type {boolean} */ fixed) => {
    const [low, high] = fixed ? [-0.02, 1.02] : extent(lines.flatMap((l) => [l.low ?? l.y, l.high ?? l.y]).concat([new Float64Array([0])])) ?? [0, 1];
    return { log: false, low, high, label: "" };
  };
  const { label } = model.quantities[quantity];
  return [
    { title: `${label}, mean over all rows`, x, y: axis(two, isShare), lines: two, rules: [] },
    { title: `${label}: first minus second`, x, y: axis(gap, false), lines: gap, rules: [{ y: 0, name: "" }] },
  ];
}

/**
 * @param {App} app
 * @param {HTMLElement} root
 */
export function compare(app, root) {
  const { model, selection } = app;
  const chosen = sides(app);
  const set = (/** @type {number} */ f, /** @type {[number, number] | null} */ value) => app.change({ compare: chosen.map((old, i) => (i === f ? value : old)) });
  const factors = model.factors.map((factor, f) => ({ factor, f })).filter(({ factor }) => factor.values.length > 1);
  if (factors.length === 0) return root.replaceChildren();
  const controls = factors.map(({ factor, f }) => {
    const options = factor.values.map((v, i) => /** @type {[string, string]} */ ([String(i), v]));
    const side = chosen[f];
    const first = choice(factor.name, [["", "the same in both"], ...options], side ? String(side[0]) : "", (v) => set(f, v === "" ? null : [Number(v), side ? side[1] : Number(v) === 0 ? 1 : 0]));
    const second = side ? choice("against", options, String(side[1]), (v) => set(f, [side[0], Number(v)])) : null;
    return el("div", { class: "versus" }, first, second);
  });
  const all = pairs(app, chosen);
  const names = [0, 1].map((i) => chosen.map((side, f) => (side ? model.factors[f].values[side[i]] : "")).filter(Boolean).join(" · ") || "–");
  const share = model.quantities[selection.measure].scale === "share";
  const rows = differences(app, all);
  const cell = (/** @type {Mean | null} */ m) => (m ? `${short(m.mean, share)}${m.half === null ? "" : ` ± ${short(m.half, share)}`}` : "–");
  const head = ["", names[0], names[1], "difference, paired by seed", "95 % interval", "seeds"];
  const body = rows.map(({ name, a, b, gap }) => {
    const apart = gap && gap.half !== null && Math.abs(gap.mean) > gap.half;
    const range = gap && gap.half !== null ? `[${short(gap.mean - gap.half, share)}, ${short(gap.mean + gap.half, share)}]` : "–";
    return el("tr", { class: apart ? "apart" : null }, el("th", { scope: "row" }, el("bdi", { text: name })), el("td", { text: cell(a) }), el("td", { text: cell(b) }),
      el("td", { text: gap ? short(gap.mean, share) : "–" }), el("td", { text: range }), el("td", { text: gap ? String(gap.count) : "–" }));
  });
  const save = () => download("comparison.csv", "text/csv", csv([["pair", names[0], names[1], "difference", "half width 95", "seeds"], ...rows.map((r) => [r.name, r.a?.mean ?? null, r.b?.mean ?? null, r.gap?.mean ?? null, r.gap?.half ?? null, r.gap?.count ?? null])]));
  const plots = el("div", { class: "panels" });
  root.replaceChildren(el("h2", { text: "Compare" }), el("div", { class: "tools" }, ...controls, el("button", { id: "compare-csv", onclick: save }, "CSV")),
    el("p", { class: "hint", text: all.length === 0 ? "No two runs differ in just this." : `${model.quantities[selection.measure].label}. A difference in bold is told from 0 by its interval; with many rows one in twenty is so by chance.` }),
    el("div", { class: "wide" }, el("table", { class: "list compare" }, el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, el("bdi", { text }))))), el("tbody", {}, ...body))), plots);
  for (const content of curves(app, all, names)) {
    const panel = new Panel({ hover: (p, key, round, spoken) => { p.light(key, round); if (spoken && key !== null && round !== null) app.say(p.words(key, round)); }, zoom: () => {}, pick: () => {} });
    plots.append(panel.element);
    panel.show(content, panel.focus.clientWidth, palette());
  }
}
