// Means over seeds, their intervals, and paired differences.

/**
 * The mean of some numbers with its 95 % interval: m ∓ t s / √n, t of Student's with n − 1 degrees of freedom.
 * @param {number[]} values one a seed
 * @param {number[]} t quantiles by degrees of freedom, from 1
 * @param {boolean} [high] whether high values are good ones
 * @returns {Mean | null} null of no numbers, or where one of them is none
 */
export function meanOf(values, t, high = true) {
  const n = values.length;
  if (n === 0 || !values.every(Number.isFinite)) return null;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const square = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const half = n > 1 ? t[Math.min(n - 2, t.length - 1)] * Math.sqrt(square / (n - 1) / n) : null;
  return { mean, half, worst: high ? Math.min(...values) : Math.max(...values), count: n };
}

/**
 * One value a seed: the mean over runs that share it.
 * @param {Run[]} runs
 * @param {(run: Run) => number | null} value
 * @returns {Map<string, number>}
 */
export function bySeed(runs, value) {
  /** @type {Map<string, number[]>} */
  const lists = new Map();
  for (const run of runs) {
    const list = lists.get(run.seed) ?? [];
    list.push(value(run) ?? NaN);
    lists.set(run.seed, list);
  }
  return new Map([...lists].map(([seed, list]) => [seed, list.reduce((a, b) => a + b, 0) / list.length]));
}

/**
 * The mean difference of two sides over the seeds that both have.
 * @param {Map<string, number>} a
 * @param {Map<string, number>} b
 * @param {number[]} t
 */
export function paired(a, b, t) {
  const seeds = [...a.keys()].filter((seed) => b.has(seed));
  return meanOf(seeds.map((seed) => Number(a.get(seed)) - Number(b.get(seed))), t);
}

/**
 * Means of `count` numbers around each place, as far as there are any: what "smoothed" means on this page.
 * @param {Float64Array} values
 * @param {number} count odd
 */
export function smoothed(values, count) {
  if (count < 2) return values;
  const side = (count - 1) / 2;
  const means = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    // The same number on both sides, so that ends are not pulled inwards.
    const reach = Math.min(side, i, values.length - 1 - i);
    let sum = 0;
    let near = 0;
    for (let j = i - reach; j <= i + reach; j++) {
      const value = values[j];
      // What is not finite is no number minus itself.
      if (value - value === 0) {
        sum += value;
        near += 1;
      }
    }
    means[i] = values[i] - values[i] === 0 ? sum / near : values[i];
  }
  return means;
}
