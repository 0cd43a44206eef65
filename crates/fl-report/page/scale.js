// Ends and divisions of axes.

import { exponent } from "./dom.js";

/**
 * Ends of an axis that shows all finite values, with a little room.
 * @param {Iterable<ArrayLike<number>>} lists of values as the axis has them
 * @returns {[number, number] | null}
 */
export function extent(lists) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      if (value < low && value > -Infinity) low = value;
      if (value > high && value < Infinity) high = value;
    }
  }
  if (low > high) return null;
  const room = 0.04 * (high - low || Math.abs(high) || 1);
  return [low - room, high + room];
}

/**
 * The values of a line between two places of its axis, whose places ascend.
 * @param {Line} line
 * @param {number} low
 * @param {number} high
 */
export function within(line, low, high) {
  let begin = 0;
  let end = line.x.length;
  while (begin < end && !(line.x[begin] >= low)) begin += 1;
  while (end > begin && !(line.x[end - 1] <= high)) end -= 1;
  return line.ty.subarray(begin, end);
}

/**
 * Round numbers between two ends, about `count` of them, with their text.
 * @param {Axis} axis
 * @param {number} count
 * @returns {[number, string][]} places on the axis
 */
export function ticks(axis, count) {
  const span = axis.high - axis.low;
  if (!(span > 0)) return [];
  if (axis.log && span >= 1) return decades(axis, count);
  const [low, high] = axis.log ? [10 ** axis.low, 10 ** axis.high] : [axis.low, axis.high];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  /** @type {[number, string][]} */
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    const value = i * step;
    const text = Math.abs(value) >= 1e6 || (step < 1e-4 && value !== 0) ? exponent(value, 1) : value.toFixed(digits);
    found.push([axis.log ? Math.log10(value) : value, text.replace("-", "−")]);
  }
  return found.filter(([place]) => Number.isFinite(place));
}

/**
 * @param {Axis} axis
 * @param {number} count
 * @returns {[number, string][]}
 */
function decades(axis, count) {
  const step = Math.max(1, Math.ceil((axis.high - axis.low) / count));
  /** @type {[number, string][]} */
  const found = [];
  for (let power = Math.ceil(axis.low / step) * step; power <= axis.high; power += step) {
    const plain = power >= -3 && power <= 4;
    found.push([power, plain ? String(Number((10 ** power).toPrecision(1))) : exponent(10 ** power, 0).replace("1·", "")]);
  }
  return found;
}
