// A panel as places: what canvas and SVG both draw.

/**
 * From values to pixels: `px = scale · v + shift`, of logarithms where the axis is logarithmic.
 * @param {Axis} axis
 * @param {number} from
 * @param {number} to
 */
export function projection(axis, from, to) {
  const scale = (to - from) / (axis.high - axis.low);
  return { scale, shift: from - scale * axis.low };
}

/**
 * Both projections of a scene.
 * @param {Scene} scene
 */
export function projections(scene) {
  return {
    x: projection(scene.x, scene.left, scene.right),
    y: projection(scene.y, scene.bottom, scene.top),
  };
}

/**
 * Values as their axis has them.
 * @param {Float64Array} values
 * @param {boolean} log
 */
export function transformed(values, log) {
  if (!log) return values;
  const places = new Float64Array(values.length);
  for (let i = 0; i < places.length; i++) places[i] = Math.log10(values[i]);
  return places;
}

/**
 * Points as pixels, x and y in turns, cut into pieces where one is missing.
 * @param {Scene} scene
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} ys as the axis has them
 * @returns {number[][]}
 */
export function pieces(scene, xs, ys) {
  const { x, y } = projections(scene);
  /** @type {number[][]} */
  const found = [];
  /** @type {number[]} */
  let piece = [];
  for (let i = 0; i < ys.length; i++) {
    const px = x.scale * xs[i] + x.shift;
    const py = y.scale * ys[i] + y.shift;
    if (Number.isFinite(px) && Number.isFinite(py)) {
      piece.push(px, Math.min(Math.max(py, -1e4), 1e4));
    } else if (piece.length > 0) {
      found.push(piece);
      piece = [];
    }
  }
  if (piece.length > 0) found.push(piece);
  return found;
}

/**
 * The curve nearest to a pixel, and the place of its point there.
 * @param {Scene} scene
 * @param {number} px
 * @param {number} py
 * @param {number} reach pixels
 * @returns {{ line: Line, index: number } | null}
 */
export function nearest(scene, px, py, reach) {
  const { x, y } = projections(scene);
  const at = (px - x.shift) / x.scale;
  let best = null;
  let least = reach;
  for (const line of scene.lines) {
    const index = indexAt(line.x, at);
    if (index < 0) continue;
    const value = between(line, at, index);
    const distance = Math.abs(y.scale * value + y.shift - py);
    if (distance < least) {
      least = distance;
      best = { line, index };
    }
  }
  return best;
}

/**
 * @param {Line} line
 * @param {number} at
 * @param {number} index of the nearest point
 */
function between(line, at, index) {
  const other = at < line.x[index] ? index - 1 : index + 1;
  const own = line.ty[index];
  if (other < 0 || other >= line.ty.length || !Number.isFinite(line.ty[other])) return own;
  const share = (at - line.x[index]) / (line.x[other] - line.x[index]);
  return Number.isFinite(share) ? own + share * (line.ty[other] - own) : own;
}

/**
 * The place of the number nearest to `at` in ascending numbers; −1 of none.
 * @param {Float64Array} list
 * @param {number} at
 */
export function indexAt(list, at) {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low > 0 && at - list[low - 1] < list[low] - at ? low - 1 : Math.min(low, list.length - 1);
}
