// What is selected, as the address has it behind its #.

/**
 * Panels that are shown at first, of those that were measured.
 */
const FIRST_PANELS = ["accuracy", "r-squared", "test-loss", "byzantine-weight", "squared-distance-to-optimum", "aggregate-error", "worst-class-accuracy"];

/**
 * @param {Model} model
 * @returns {Chosen}
 */
export function nothing(model) {
  const wanted = FIRST_PANELS.map((name) => model.measured.find((q) => model.quantities[q].name === name));
  const panels = wanted.filter((q) => q !== undefined).slice(0, 4);
  return {
    filter: model.factors.map(() => null),
    measure: model.measured[0] ?? 0,
    sort: "worst",
    x: "round",
    panels: panels.length > 0 ? panels : model.measured.slice(0, 1),
    scale: "auto",
    smooth: 1,
    lines: "mean",
    references: true,
    zoom: null,
    pin: null,
    run: null,
    compare: model.factors.map(() => null),
    theme: "auto",
  };
}

/**
 * Whether the filter lets a group through.
 * @param {Chosen} selection
 * @param {number[]} factors
 */
export function matches(selection, factors) {
  return factors.every((value, f) => selection.filter[f]?.has(value) ?? true);
}

/**
 * The selection as text; what is as at first is left out.
 * @param {Model} model
 * @param {Chosen} s
 */
export function toHash(model, s) {
  const first = nothing(model);
  const out = new URLSearchParams();
  model.factors.forEach((factor, f) => {
    for (const value of s.filter[f] ?? []) out.append(`only ${factor.name}`, factor.values[value]);
    const sides = s.compare[f];
    if (sides) sides.forEach((value) => out.append(`compare ${factor.name}`, factor.values[value]));
  });
  if (s.measure !== first.measure) out.set("measure", model.quantities[s.measure].name);
  if (String(s.panels) !== String(first.panels)) out.set("panels", s.panels.map((q) => model.quantities[q].name).join(" "));
  for (const key of /** @type {const} */ (["sort", "x", "scale", "lines", "theme"])) {
    if (s[key] !== first[key]) out.set(key, s[key]);
  }
  if (s.smooth !== 1) out.set("smooth", String(s.smooth));
  if (!s.references) out.set("references", "no");
  if (s.zoom) out.set("zoom", s.zoom.join(" "));
  const pinned = model.groups.find((group) => group.key === s.pin);
  if (pinned) pinned.factors.forEach((value, f) => out.append("pin", model.factors[f].values[value]));
  if (s.run !== null) out.set("run", s.run);
  return out.toString();
}

/**
 * The selection that a text says; what it says of things that are not there is left out.
 * @param {Model} model
 * @param {string} hash
 * @returns {Chosen}
 */
export function fromHash(model, hash) {
  const s = nothing(model);
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const quantity = (/** @type {string | null} */ name) => model.measured.find((q) => model.quantities[q].name === name);
  model.factors.forEach((factor, f) => {
    const places = (/** @type {string} */ key) =>
      said.getAll(`${key} ${factor.name}`).map((v) => factor.values.indexOf(v)).filter((v) => v >= 0);
    const only = places("only");
    if (only.length > 0) s.filter[f] = new Set(only);
    const sides = places("compare");
    if (sides.length === 2) s.compare[f] = [sides[0], sides[1]];
  });
  s.measure = quantity(said.get("measure")) ?? s.measure;
  const panels = (said.get("panels") ?? "").split(" ").map(quantity).filter((q) => q !== undefined);
  if (panels.length > 0) s.panels = panels;
  s.sort = said.get("sort") ?? s.sort;
  const axes = ["round", ...model.quantities.filter((q) => q.axis).map((q) => q.name)];
  s.x = axes.find((name) => name === said.get("x")) ?? s.x;
  s.scale = /** @type {const} */ (["linear", "log"]).find((v) => v === said.get("scale")) ?? s.scale;
  s.lines = said.get("lines") === "runs" ? "runs" : "mean";
  s.theme = /** @type {const} */ (["light", "dark"]).find((v) => v === said.get("theme")) ?? s.theme;
  s.smooth = [3, 5, 9].find((n) => String(n) === said.get("smooth")) ?? 1;
  s.references = said.get("references") !== "no";
  const zoom = (said.get("zoom") ?? "").split(" ").map(Number);
  if (zoom.length === 2 && zoom.every(Number.isFinite) && zoom[0] < zoom[1]) s.zoom = [zoom[0], zoom[1]];
  const pin = said.getAll("pin").map((v, f) => model.factors[f]?.values.indexOf(v)).join(",");
  s.pin = model.groups.find((group) => group.key === pin)?.key ?? null;
  s.run = model.runs.find((run) => run.folder === said.get("run"))?.folder ?? null;
  return s;
}
