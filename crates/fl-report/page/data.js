// The report's data, unpacked where they are needed.

import { bySeed, meanOf } from "./statistics.js";

/**
 * Bytes of a text in base 64.
 * @param {string} id of the element that holds it
 */
function bytes(id) {
  const binary = atob(document.getElementById(id)?.textContent ?? "");
  const list = new Uint8Array(binary.length);
  for (let i = 0; i < list.length; i++) list[i] = binary.charCodeAt(i);
  return list.buffer;
}

/** @returns {Model} */
export function load() {
  /** @type {Raw} */
  const raw = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const run of raw.runs) {
    const key = run.factors.join(",");
    const group = groups.get(key) ?? { key, index: 0, factors: run.factors, runs: [] };
    group.runs.push(run);
    groups.set(key, group);
  }
  const order = (/** @type {Group} */ a, /** @type {Group} */ b) => {
    const place = a.factors.findIndex((value, i) => value !== b.factors[i]);
    return place < 0 ? 0 : a.factors[place] - b.factors[place];
  };
  const sorted = [...groups.values()].sort(order);
  sorted.forEach((group, index) => (group.index = index));
  const there = new Set(raw.runs.flatMap((run) => run.curves.map((curve) => curve[0])));
  const measured = raw.quantities.map((_, i) => i).filter((i) => there.has(i) && !raw.quantities[i].axis);
  return {
    ...raw,
    groups: sorted,
    measured,
    singles: new Float32Array(bytes("singles")),
    shares: new Uint16Array(bytes("shares")),
    bands: new Map(),
    means: new Map(),
  };
}

/**
 * A quantity of a run, at the rounds that have it.
 * @param {Model} model
 * @param {Run} run
 * @param {number} quantity
 * @returns {Series | null}
 */
export function series(model, run, quantity) {
  const curve = run.curves.find((c) => c[0] === quantity);
  if (!curve) return null;
  const rounds = model.grids[curve[1]];
  return { rounds, values: model.singles.subarray(curve[2], curve[2] + rounds.length) };
}

/**
 * A run's table of classes or of weights.
 * @param {Model} model
 * @param {[number, number, number] | undefined} place
 * @returns {Table | null}
 */
export function table(model, place) {
  if (!place) return null;
  const rounds = model.grids[place[0]];
  const count = rounds.length * place[2];
  const values = Float64Array.from(model.shares.subarray(place[1], place[1] + count), (v) => (v === 65535 ? NaN : v / 65534));
  return { rounds, columns: place[2], values };
}

/**
 * A quantity's mean over some runs with its interval, at the rounds that all of them have.
 *
 * On logarithmic axes it is the geometric mean, so that the interval is symmetric there.
 * @param {Model} model
 * @param {Run[]} runs
 * @param {number} quantity
 * @param {boolean} log
 * @returns {Band | null}
 */
export function bandOf(model, runs, quantity, log) {
  const all = runs.map((run) => series(model, run, quantity));
  if (all.length === 0 || all.some((s) => s === null)) return null;
  const list = /** @type {Series[]} */ (all);
  if (list.length === 1) {
    const own = new Float64Array(list[0].values);
    if (log) for (let i = 0; i < own.length; i++) if (!(own[i] > 0)) own[i] = NaN;
    return { rounds: list[0].rounds, mean: own, low: own, high: own, count: 1 };
  }
  const isSame = list.every((s) => s.rounds === list[0].rounds);
  const places = isSame ? [] : list.map((s) => new Map(s.rounds.map((round, i) => [round, i])));
  const rounds = isSame ? list[0].rounds : list[0].rounds.filter((round) => places.every((p) => p.has(round)));
  const [mean, low, high] = [0, 1, 2].map(() => new Float64Array(rounds.length));
  const values = new Float64Array(list.length);
  for (let i = 0; i < rounds.length; i++) {
    let n = 0;
    let sum = 0;
    for (let s = 0; s < list.length; s++) {
      const value = list[s].values[isSame ? i : /** @type {number} */ (places[s].get(rounds[i]))];
      const used = log ? Math.log(value) : value;
      if (Number.isFinite(used)) {
        values[n++] = used;
        sum += used;
      }
    }
    const middle = n > 0 ? sum / n : NaN;
    let square = 0;
    for (let s = 0; s < n; s++) square += (values[s] - middle) ** 2;
    const half = n > 1 ? model.t[Math.min(n - 2, model.t.length - 1)] * Math.sqrt(square / (n - 1) / n) : 0;
    mean[i] = log ? Math.exp(middle) : middle;
    low[i] = log ? Math.exp(middle - half) : middle - half;
    high[i] = log ? Math.exp(middle + half) : middle + half;
  }
  return { rounds, mean, low, high, count: list.length };
}

/**
 * The same, remembered: of all runs of a group, or of one of them.
 * @param {Model} model
 * @param {Group} group
 * @param {Run | null} run
 * @param {number} quantity
 * @param {boolean} log
 */
export function knownBand(model, group, run, quantity, log) {
  const key = `${group.index} ${run?.folder ?? ""} ${quantity} ${log}`;
  let band = model.bands.get(key);
  if (band === undefined) {
    band = bandOf(model, run ? [run] : group.runs, quantity, log);
    model.bands.set(key, band);
  }
  return band;
}

/** @type {WeakMap<number[], Float64Array>} */
const places = new WeakMap();

/**
 * Rounds as places on an axis, once for all curves that have the same.
 * @param {number[]} rounds
 */
export function placesOf(rounds) {
  let list = places.get(rounds);
  if (!list) {
    list = new Float64Array(rounds);
    places.set(rounds, list);
  }
  return list;
}

/**
 * What a group came to.
 * @param {Model} model
 * @param {Group} group
 * @param {number} quantity
 */
export function final(model, group, quantity) {
  const key = `${group.index} ${quantity}`;
  let mean = model.means.get(key);
  if (mean === undefined) {
    const values = bySeed(group.runs, (run) => run.finals[quantity]);
    mean = meanOf([...values.values()], model.t, model.quantities[quantity].high);
    model.means.set(key, mean);
  }
  return mean;
}

/**
 * Groups in words: the values of the factors that `over` has several of. What differs is found once for all of them.
 * @param {Model} model
 * @param {Group[]} over
 * @returns {(group: Group) => string}
 */
export function namesOver(model, over) {
  const differs = model.factors.map((_, f) => over.some((other) => other.factors[f] !== over[0].factors[f]));
  return (group) => {
    const named = model.factors.map((factor, f) => factor.values[group.factors[f]]);
    const said = named.filter((_, f) => differs[f]);
    return said.length > 0 ? said.join(" · ") : named[0];
  };
}

/**
 * One group in words.
 * @param {Model} model
 * @param {Group} group
 * @param {Group[]} over
 */
export function nameOf(model, group, over) {
  return namesOver(model, over)(group);
}

/**
 * A run's settings, those that all share included.
 * @param {Model} model
 * @param {Run} run
 */
export function settingsOf(model, run) {
  const pairs = [...model.common, ...run.settings].map(([k, v]) => /** @type {[string, string]} */ ([model.keys[k], model.values[v]]));
  return new Map(pairs.sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}
