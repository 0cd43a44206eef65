// Curves of what is selected: panels, a legend, and all values at a round.

import { choice, el, exact } from "./dom.js";
import { final, knownBand, namesOver, placesOf, settingsOf } from "./data.js";
import { smoothed } from "./statistics.js";
import { extent, within } from "./scale.js";
import { transformed } from "./scene.js";
import { TITLE, sample, svgLegend } from "./paint.js";
import { Panel, lightPalette, palette } from "./panel.js";
import { csv, download } from "./save.js";

/** Curves that the legend lists in any case. */
const BEST = 5;

/** Above so many curves bands are drawn for those in front alone. */
const BANDED = 12;

/** Curves that a picture's legend names. */
const LEGEND = 24;

/** Rows of the table of values. */
const VALUES_LISTED = 400;

/**
 * What a line shows: a group, or one of its runs.
 * @typedef {{ group: Group, run: Run | null, key: string, name: string }} Source
 */

/** The curves, in a class because panels outlive a selection. */
export class Curves {
  /**
   * @param {App} app
   * @param {HTMLElement} root
   */
  constructor(app, root) {
    this.app = app;
    this.root = root;
    /** @type {Map<number, Panel>} */
    this.panels = new Map();
    /** Lines that were made before, by all that makes them. @type {Map<string, Line | null>} */
    this.known = new Map();
    this.grid = el("div", { class: "panels" });
    this.legend = el("div", { class: "legend" });
    this.values = el("div", { class: "values", tabindex: "0", role: "region", "aria-label": "values of all curves at a round" });
    this.tools = el("div", { class: "tools" });
    this.hint = el("p", { class: "hint" });
    this.keys = el("p", { class: "hint", id: "keys", text: "Drag to zoom, double-click to return, click a curve to keep it. With the keyboard: ← → rounds, ↑ ↓ curves, + − zoom, Enter keeps, Esc returns." });
    root.replaceChildren(el("h2", { text: "Curves" }), this.tools, el("div", { class: "beside" }, this.grid, el("aside", {}, this.legend, this.values)), this.hint, this.keys);
    /** @type {{ panel: Panel | null, key: string | null, round: number | null }} */
    this.at = { panel: null, key: null, round: null };
    this.pending = false;
  }

  /** The groups as lines: one each, or one for each run. */
  sources() {
    const { model, selection, shown } = this.app;
    const name = namesOver(model, shown);
    /** @type {(group: Group) => Source} */
    const pick = (group) => ({ group, run: null, key: group.key, name: name(group) });
    const means = shown.map(pick);
    if (selection.lines === "mean") return means;
    return means.flatMap((source) => source.group.runs.map((run) => ({ ...source, run, key: `${source.key}/${run.folder}`, name: `${source.name} · seed ${run.seed}` })));
  }

  /** The factor by which curves are coloured: the method, or what differs where all have the same. */
  coloured() {
    const { model, shown } = this.app;
    const several = model.factors.map((_, f) => new Set(shown.map((g) => g.factors[f])).size > 1);
    return Math.max(0, several.indexOf(true));
  }

  /**
   * Lines of a quantity.
   * @param {Source[]} sources
   * @param {number} by the factor by which they are coloured
   * @param {number} quantity
   * @returns {Line[]}
   */
  lines(sources, by, quantity) {
    const { model, selection } = this.app;
    const log = this.isLog(quantity);
    const axis = model.quantities.findIndex((q) => q.axis && q.name === selection.x);
    const lines = [];
    for (const source of sources) {
      const key = `${quantity} ${log} ${axis} ${selection.smooth} ${source.key}`;
      let line = this.known.get(key);
      if (line === undefined) {
        line = this.line(source, quantity, log, axis);
        this.known.set(key, line);
      }
      if (!line) continue;
      const value = source.group.factors[by];
      Object.assign(line, { name: source.name, colour: value % 10, dash: Math.floor(value / 7) % 6 });
      lines.push(line);
    }
    return lines;
  }

  /**
   * @param {Source} source
   * @param {number} quantity
   * @param {boolean} log
   * @param {number} axis
   * @returns {Line | null}
   */
  line(source, quantity, log, axis) {
    const { model, selection } = this.app;
    const band = knownBand(model, source.group, source.run, quantity, log);
    const x = band && this.along(source, band, axis);
    if (!band || !x || band.rounds.length === 0) return null;
    const y = smoothed(band.mean, selection.smooth);
    const isBand = band.count > 1 && selection.smooth === 1;
    const [low, high] = isBand ? [band.low, band.high] : [null, null];
    return { key: source.key, name: source.name, colour: 0, dash: 0, rounds: band.rounds, x, y, ty: transformed(y, log), low, high, banded: true, weight: 1, rank: 0, count: band.count };
  }

  /**
   * Places of a band's rounds on the axis that is chosen.
   * @param {Source} source
   * @param {Band} band
   * @param {number} axis
   */
  along(source, band, axis) {
    const { model } = this.app;
    if (axis < 0) return placesOf(band.rounds);
    const other = knownBand(model, source.group, source.run, axis, false);
    if (!other) return null;
    if (other.rounds === band.rounds) return other.mean;
    const places = new Map(other.rounds.map((round, i) => [round, other.mean[i]]));
    return Float64Array.from(band.rounds, (round) => places.get(round) ?? NaN);
  }

  /** @param {number} quantity */
  isLog(quantity) {
    const { selection, model } = this.app;
    return selection.scale === "log" || (selection.scale === "auto" && model.quantities[quantity].scale === "log");
  }

  /**
   * Gives lines their rank and their weight.
   * @param {Line[]} lines
   * @param {boolean} high
   */
  weigh(lines, high) {
    const last = (/** @type {Line} */ line) => {
      for (let i = line.y.length - 1; i >= 0; i--) if (Number.isFinite(line.y[i])) return high ? -line.y[i] : line.y[i];
      return Infinity;
    };
    const values = new Map(lines.map((line) => [line, last(line)]));
    const sorted = [...lines].sort((a, b) => Number(values.get(a)) - Number(values.get(b)));
    const { pin } = this.app.selection;
    const isPinned = (/** @type {Line} */ line) => pin !== null && line.key.split("/")[0] === pin;
    sorted.forEach((line, rank) => {
      line.rank = rank;
      const few = lines.length <= BANDED;
      line.weight = isPinned(line) ? 2 : pin !== null ? 0 : few ? 1 : rank < BEST ? 2 : 1;
      line.banded = few || isPinned(line);
    });
  }

  /**
   * Lines for comparison: what is possible, the plain mean, the method without an attack.
   * @param {number} quantity
   * @returns {Rule[]}
   */
  rules(quantity) {
    const { model, selection, shown } = this.app;
    if (!selection.references || shown.length === 0 || model.quantities[quantity].scale !== "share") return [];
    const isNone = (/** @type {Group} */ g) => model.factors[1].values[g.factors[1]] === "none";
    const rest = (/** @type {Group} */ g) => g.factors.slice(2).join();
    const parts = new Set(shown.map(rest));
    if (parts.size !== 1 || !model.quantities[quantity].high) return [];
    const here = model.groups.filter((g) => parts.has(rest(g)));
    /** @type {Rule[]} */
    const rules = [];
    const value = (/** @type {Group} */ g) => final(model, g, quantity)?.mean ?? NaN;
    const add = (/** @type {string} */ name, /** @type {number} */ y) => { if (Number.isFinite(y)) rules.push({ name, y }); };
    const lost = this.lostClasses(shown);
    if (lost && model.quantities[quantity].name === "balanced-accuracy") add(`best possible without classes ${lost.classes}`, lost.rest);
    add("best without attack", Math.max(...here.filter(isNone).map(value).filter(Number.isFinite)));
    const attacks = new Set(shown.map((g) => g.factors[1]));
    const plain = here.filter((g) => this.isPlainMean(g) && attacks.has(g.factors[1]));
    if (attacks.size === 1 && plain.length === 1) add("plain mean", value(plain[0]));
    const methods = new Set(shown.map((g) => g.factors[0]));
    const pinned = shown.find((g) => g.key === selection.pin);
    const method = pinned?.factors[0] ?? (methods.size === 1 ? [...methods][0] : null);
    const without = here.find((g) => isNone(g) && g.factors[0] === method);
    if (without) add(`${model.factors[0].values[without.factors[0]]} without attack`, value(without));
    return rules;
  }

  /**
   * Classes that nobody but Byzantine workers holds, and the balanced accuracy that the others allow; null of none.
   * @param {Group[]} groups
   */
  lostClasses(groups) {
    const { model } = this.app;
    const values = new Set(groups.map((group) => settingsOf(model, group.runs[0]).get("federation.byzantine.classes") ?? ""));
    const [text] = values;
    const count = groups[0].runs[0].classes?.[2] ?? 0;
    if (values.size !== 1 || !/^\[[\d, ]+\]$/.test(text) || count === 0) return null;
    const classes = text.slice(1, -1);
    return { classes, rest: 1 - classes.split(",").length / count };
  }

  /** @param {Group} group */
  isPlainMean(group) {
    const { model } = this.app;
    const settings = settingsOf(model, group.runs[0]);
    const has = (/** @type {string} */ root) => [...settings.keys()].some((key) => key === root || key.startsWith(`${root}.`));
    const is = (/** @type {string} */ root, /** @type {string} */ name) => settings.get(root) === name || has(`${root}.${name}`);
    return is("method.rule", "mean") && is("method.estimator", "sgd") && !has("method.pre") && !has("method.momentum");
  }

  draw() {
    const { model, selection } = this.app;
    this.drawTools();
    for (const q of this.panels.keys()) if (!selection.panels.includes(q)) this.panels.delete(q);
    for (const q of selection.panels) {
      if (!this.panels.has(q)) this.panels.set(q, new Panel({
        hover: (panel, key, round, spoken) => this.hover(panel, key, round, spoken),
        zoom: (zoom) => this.app.change({ zoom }),
        pick: (pin) => this.app.change({ pin: pin === null ? null : pin.split("/")[0] === selection.pin ? null : pin.split("/")[0] }),
      }));
    }
    const panels = selection.panels.map((q) => /** @type {Panel} */ (this.panels.get(q)));
    const isSame = panels.length === this.grid.children.length && panels.every((panel, i) => panel.element === this.grid.children[i]);
    if (!isSame) this.grid.replaceChildren(...panels.map((panel) => panel.element));
    // All that is asked of the page is asked before anything is changed on it.
    const [space, colours] = [panels[0].focus.clientWidth, palette()];
    const [sources, by] = [this.sources(), this.coloured()];
    const all = selection.panels.map((q) => this.lines(sources, by, q));
    const ends = extent(all.flat().map((line) => line.x)) ?? [0, 1];
    const unit = selection.x === "round" ? "round" : model.quantities.find((q) => q.name === selection.x)?.label ?? selection.x;
    selection.panels.forEach((q, i) => {
      const lines = all[i];
      const quantity = model.quantities[q];
      this.weigh(lines, quantity.high);
      const log = this.isLog(q);
      const x = { log: false, low: selection.zoom?.[0] ?? Math.max(ends[0], selection.x === "round" ? 0 : ends[0]), high: selection.zoom?.[1] ?? ends[1], label: unit };
      const rules = this.rules(q);
      const inside = lines.map((line) => (selection.zoom ? within(line, x.low, x.high) : line.ty));
      const fixed = quantity.scale === "share" && !log && !selection.zoom;
      const y = fixed ? [-0.02, 1.02] : extent([...inside, transformed(Float64Array.from(rules, (r) => r.y), log)]) ?? [0, 1];
      const smooth = selection.smooth > 1 ? `, mean of ${selection.smooth} evaluations` : "";
      panels[i].show({ title: quantity.label + smooth, x, y: { log, low: y[0], high: y[1], label: quantity.label }, lines, rules }, space, colours);
    });
    this.at = { panel: null, key: null, round: null };
    this.listBest();
    this.note(sources.length, all);
  }

  /**
   * @param {number} asked
   * @param {Line[][]} all
   */
  note(asked, all) {
    const { model, shown } = this.app;
    const count = Math.max(0, ...all.map((lines) => lines.length));
    const without = asked - count;
    const texts = [`${count} curves${shown.length > 0 ? `; bands are 95 % intervals of the mean over seeds${count > BANDED ? ", shown for the curve under the pointer" : ""}` : ""}.`];
    if (without > 0) texts.push(`${without} have no such measurements.`);
    if (model.thinned > 1) texts.push(`Curves are thinned to at most ${model.most} points: of up to ${model.thinned} measurements one is drawn.`);
    texts.push("Numbers are kept to seven digits.");
    this.hint.textContent = texts.join(" ");
  }

  drawTools() {
    const { model, selection } = this.app;
    const { change } = this.app;
    const axes = model.quantities.filter((q, i) => q.axis && model.runs.some((run) => run.curves.some((c) => c[0] === i)));
    const panels = el("details", { class: "pickers" }, el("summary", { text: `panels: ${selection.panels.length}` }), el("fieldset", {}, el("legend", { text: "Panels" }), ...model.measured.map((q) => {
      const box = el("input", { type: "checkbox", checked: selection.panels.includes(q), onchange: () => {
        const next = selection.panels.includes(q) ? selection.panels.filter((p) => p !== q) : [...selection.panels, q];
        if (next.length > 0) change({ panels: next.sort((a, b) => a - b) });
      } });
      return el("label", {}, box, ` ${model.quantities[q].label}`);
    })));
    const isOpen = this.tools.querySelector("details")?.open;
    if (isOpen) panels.setAttribute("open", "");
    this.tools.replaceChildren(
      panels,
      choice("against", [["round", "rounds"], ...axes.map((q) => /** @type {[string, string]} */ ([q.name, q.label]))], selection.x, (x) => change({ x, zoom: null })),
      choice("axis", [["auto", "as usual"], ["linear", "linear"], ["log", "logarithmic"]], selection.scale, (v) => change({ scale: /** @type {Chosen["scale"]} */ (v) })),
      choice("smoothing", [["1", "none"], ["3", "mean of 3"], ["5", "mean of 5"], ["9", "mean of 9"]], String(selection.smooth), (v) => change({ smooth: Number(v) })),
      choice("curves", [["mean", "means over seeds"], ["runs", "single runs"]], selection.lines, (v) => change({ lines: v === "runs" ? "runs" : "mean" })),
      el("label", { class: "choice" }, el("input", { type: "checkbox", checked: selection.references, onchange: () => change({ references: !selection.references }) }), el("span", { text: "reference lines" })),
      el("button", { onclick: () => change({ zoom: null }), disabled: selection.zoom === null }, "Whole range"),
      el("button", { id: "curves-csv", onclick: () => this.saveCsv() }, "CSV"),
      el("button", { id: "curves-svg", onclick: () => this.saveSvg() }, "SVG"),
    );
  }

  /**
   * @param {Panel} panel
   * @param {string | null} key
   * @param {number | null} round
   * @param {boolean} spoken whether a keyboard moved there
   */
  hover(panel, key, round, spoken) {
    this.at = { panel: key === null && round === null ? null : panel, key, round };
    for (const other of this.panels.values()) other.light(key, round);
    if (spoken && key !== null && round !== null) this.app.say(panel.words(key, round));
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.listBest();
      this.listValues();
    });
  }

  /** The legend: the curve under the pointer and the best five. */
  listBest() {
    const panel = this.at.panel ?? this.panels.get(this.app.selection.panels[0]);
    const scene = panel?.scene;
    if (!scene) return;
    const best = [...scene.lines].sort((a, b) => a.rank - b.rank).slice(0, BEST);
    const own = scene.lines.find((line) => line.key === this.at.key);
    const pinned = scene.lines.filter((line) => line.weight === 2 && this.app.selection.pin !== null);
    const rows = [...new Set([...(own ? [own] : []), ...pinned.slice(0, 3), ...best])];
    const title = scene.lines.length > rows.length ? `Best ${best.length} of ${scene.lines.length}` : "Curves";
    const list = el("ul");
    for (const line of rows) {
      const at = this.at.round === null ? -1 : line.rounds.indexOf(this.at.round);
      const value = line.y[at < 0 ? line.y.length - 1 : at];
      const swatch = sample(line, scene.palette.colours[line.colour]);
      list.append(el("li", { class: line === own ? "own" : null }, swatch, el("bdi", { text: line.name }), el("span", { class: "number", text: exact(value) })));
    }
    this.legend.replaceChildren(el("h3", { text: title }), el("p", { class: "hint", text: scene.title }), list);
    if (this.at.round === null) this.values.replaceChildren();
  }

  /** All curves' values at the round under the pointer. */
  listValues() {
    const { panel, round, key } = this.at;
    const scene = panel?.scene;
    if (!scene || round === null) return this.values.replaceChildren();
    const rows = [];
    for (const line of scene.lines) {
      const at = line.rounds.indexOf(round);
      if (at >= 0) rows.push({ line, value: line.y[at] });
    }
    rows.sort((a, b) => b.value - a.value);
    const body = el("tbody");
    for (const { line, value } of rows.slice(0, VALUES_LISTED)) {
      body.append(el("tr", { class: line.key === key ? "own" : null, "data-key": line.key }, el("th", { scope: "row" }, el("bdi", { text: line.name })), el("td", { text: exact(value) })));
    }
    const rest = rows.length - VALUES_LISTED;
    const caption = `Round ${round}: ${scene.title}${rest > 0 ? `, the first ${VALUES_LISTED} of ${rows.length}` : ""}`;
    this.values.replaceChildren(el("table", {}, el("caption", { text: caption }), body));
  }

  saveCsv() {
    const { model, selection } = this.app;
    const unit = selection.x === "round" ? [] : [selection.x];
    /** @type {(string | number | null)[][]} */
    const rows = [["quantity", "curve", "round", ...unit, "value", "low 95", "high 95", "seeds"]];
    for (const q of selection.panels) {
      const smooth = selection.smooth > 1 ? ` (mean of ${selection.smooth} evaluations)` : "";
      for (const line of this.panels.get(q)?.scene?.lines ?? []) {
        for (let i = 0; i < line.x.length; i++) {
          if (selection.zoom && (line.x[i] < selection.zoom[0] || line.x[i] > selection.zoom[1])) continue;
          rows.push([model.quantities[q].name + smooth, line.name, line.rounds[i], ...(unit.length > 0 ? [line.x[i]] : []), line.y[i], line.low?.[i] ?? null, line.high?.[i] ?? null, line.count]);
        }
      }
    }
    download("curves.csv", "text/csv", csv(rows));
  }

  /** All panels in two columns, with the names of curves if they are few, or else of those in front. */
  picture() {
    const panels = this.app.selection.panels.flatMap((q) => this.panels.get(q) ?? []);
    const [first] = panels.flatMap((panel) => panel.scene ?? []);
    if (!first) return "";
    const columns = Math.min(2, panels.length);
    const [across, down] = [first.width, first.height + TITLE + 8];
    const parts = panels.map((panel, i) => `<g transform="translate(${(i % columns) * across} ${Math.floor(i / columns) * down})">${panel.svg()}</g>`);
    const [width, below] = [columns * across, Math.ceil(panels.length / columns) * down];
    const named = first.lines.length <= LEGEND ? first.lines : first.lines.filter((line) => line.weight === 2);
    const legend = svgLegend(named.slice(0, LEGEND), lightPalette(), below, width);
    const height = below + legend.height;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}${legend.text}</svg>`;
  }

  saveSvg() {
    download("curves.svg", "image/svg+xml", this.picture());
  }
}
