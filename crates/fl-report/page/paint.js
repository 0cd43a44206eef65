// Scenes on a canvas and as SVG.

import { pieces, projections, transformed } from "./scene.js";
import { ticks } from "./scale.js";

const FONT = "system-ui, sans-serif";

/** Lengths of ink and gap. */
const DASHES = [[], [8, 3], [2, 2], [9, 3, 2, 3], [4, 3], [15, 4]];

/** Above so many curves all are solid: nobody tells their dashes apart, and they cost time. */
const DASHED = 60;

/**
 * How lines look by their weight: in the background, ordinary, in front.
 * @param {Line} curve
 * @param {number} count of curves
 */
function look(curve, count) {
  const crowd = count > 12 ? Math.max(0.18, 0.75 - count / 400) : 1;
  const alpha = [crowd * 0.5, crowd, 1][curve.weight];
  return { alpha, width: curve.weight === 2 ? 2.4 : count > 60 ? 1 : 1.6, dash: count > DASHED ? [] : DASHES[curve.dash] };
}

/**
 * A piece of a line, for a legend.
 * @param {Line} curve
 * @param {string} colour
 */
export function sample(curve, colour) {
  const node = (/** @type {string} */ name, /** @type {Record<string, string>} */ attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const box = node("svg", { class: "swatch", viewBox: "0 0 22 8", "aria-hidden": "true" });
  box.append(node("path", { d: "M0 4H22", stroke: colour, "stroke-width": "2.5", "stroke-dasharray": DASHES[curve.dash].join(" ") }));
  return box;
}

/**
 * What is written and ruled around the curves.
 * @param {Scene} scene
 */
function frame(scene) {
  const { x, y } = projections(scene);
  const across = ticks(scene.x, Math.max(2, Math.round((scene.right - scene.left) / 90)));
  const up = ticks(scene.y, Math.max(2, Math.round((scene.bottom - scene.top) / 45)));
  return {
    vertical: across.map(([at, text]) => ({ px: x.scale * at + x.shift, text })),
    horizontal: up.map(([at, text]) => ({ py: y.scale * at + y.shift, text })),
    rules: scene.rules
      .map((rule) => ({ name: rule.name, py: y.scale * (scene.y.log ? Math.log10(rule.y) : rule.y) + y.shift }))
      .filter((rule) => rule.py >= scene.top && rule.py <= scene.bottom),
  };
}

/**
 * Draws a scene with its axes.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Scene} scene
 */
export function paint(ctx, scene) {
  const { palette } = scene;
  ctx.clearRect(0, 0, scene.width, scene.height);
  ctx.font = `11px ${FONT}`;
  ctx.lineWidth = 1;
  ctx.direction = "ltr";
  const parts = frame(scene);
  ctx.strokeStyle = palette.grid;
  ctx.beginPath();
  for (const { px } of parts.vertical) line(ctx, px, scene.top, px, scene.bottom);
  for (const { py } of parts.horizontal) line(ctx, scene.left, py, scene.right, py);
  ctx.stroke();
  ctx.fillStyle = palette.faint;
  ctx.textAlign = "center";
  for (const { px, text } of parts.vertical) ctx.fillText(text, px, scene.bottom + 14);
  ctx.textAlign = "right";
  for (const { py, text } of parts.horizontal) ctx.fillText(text, scene.left - 5, py + 4);
  ctx.textAlign = "center";
  ctx.fillText(scene.x.label, (scene.left + scene.right) / 2, scene.bottom + 29);
  ctx.save();
  ctx.beginPath();
  ctx.rect(scene.left, scene.top, scene.right - scene.left, scene.bottom - scene.top);
  ctx.clip();
  paintLines(ctx, scene, scene.lines, scene.lines.length);
  ctx.setLineDash([3, 4]);
  ctx.strokeStyle = palette.ink;
  ctx.lineWidth = 1;
  for (const { py } of parts.rules) {
    ctx.beginPath();
    line(ctx, scene.left, py, scene.right, py);
    ctx.stroke();
  }
  ctx.restore();
  ctx.textAlign = "right";
  ctx.fillStyle = palette.ink;
  for (const { py, name } of spaced(parts.rules)) {
    ctx.lineWidth = 3;
    ctx.strokeStyle = palette.ground;
    ctx.strokeText(name, scene.right - 3, py - 4);
    ctx.fillText(name, scene.right - 3, py - 4);
  }
}

/**
 * Names of rules, moved apart where they would lie over each other.
 * @template {{ py: number }} R
 * @param {R[]} rules
 * @returns {R[]}
 */
function spaced(rules) {
  let above = Infinity;
  const sorted = [...rules].sort((a, b) => b.py - a.py);
  return sorted.map((rule) => {
    const py = Math.min(rule.py, above - 13);
    above = py;
    return { ...rule, py };
  });
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
function line(ctx, x1, y1, x2, y2) {
  ctx.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  ctx.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Scene} scene
 * @param {Line[]} lines
 * @param {number} count of all curves
 */
export function paintLines(ctx, scene, lines, count) {
  ctx.lineJoin = "round";
  for (const weight of [0, 1, 2]) {
    for (const curve of lines.filter((l) => l.weight === weight)) {
      const style = look(curve, count);
      ctx.strokeStyle = ctx.fillStyle = scene.palette.colours[curve.colour];
      if (curve.banded) {
        ctx.globalAlpha = 0.16;
        ctx.beginPath();
        for (const ring of areas(scene, curve)) trace(ctx, ring);
        ctx.fill();
      }
      ctx.globalAlpha = style.alpha;
      ctx.lineWidth = style.width;
      ctx.setLineDash(style.dash);
      ctx.beginPath();
      traceLine(ctx, scene, curve);
      ctx.stroke();
    }
  }
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number[]} points
 */
function trace(ctx, points) {
  ctx.moveTo(points[0], points[1]);
  for (let i = 2; i < points.length; i += 2) ctx.lineTo(points[i], points[i + 1]);
}

/**
 * The same as with `pieces`, without lists of points: this is where the time of a redraw goes.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Scene} scene
 * @param {Line} curve
 */
function traceLine(ctx, scene, curve) {
  const { x, y } = projections(scene);
  const { x: xs, ty: ys } = curve;
  let count = 0;
  for (let i = 0; i <= ys.length; i++) {
    const px = x.scale * xs[i] + x.shift;
    const py = y.scale * ys[i] + y.shift;
    if (i < ys.length && px - px + (py - py) === 0) {
      const near = py > 1e4 ? 1e4 : py < -1e4 ? -1e4 : py;
      if (count === 0) ctx.moveTo(px, near);
      else ctx.lineTo(px, near);
      count += 1;
    } else {
      // A single measurement is a dot.
      if (count === 1) ctx.rect(x.scale * xs[i - 1] + x.shift - 1.5, y.scale * ys[i - 1] + y.shift - 1.5, 3, 3);
      count = 0;
    }
  }
}

/**
 * Outlines of a band: along its upper end and back along its lower one.
 * @param {Scene} scene
 * @param {Line} curve
 * @returns {number[][]}
 */
function areas(scene, curve) {
  if (!curve.low || !curve.high) return [];
  const upper = pieces(scene, curve.x, transformed(curve.high, scene.y.log));
  const lower = pieces(scene, curve.x, transformed(curve.low, scene.y.log));
  // Where a lower end has no place, as below zero on a logarithmic axis, there is no band.
  if (upper.length !== lower.length) return [];
  return upper.map((top, i) => {
    const bottom = lower[i];
    const back = [];
    for (let j = bottom.length - 2; j >= 0; j -= 2) back.push(bottom[j], bottom[j + 1]);
    return [...top, ...back];
  });
}

const escapes = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" });

/** @param {string} text */
const safe = (text) => text.replace(/[&<>"']/g, (c) => escapes[c]);

/** @param {number} v */
const fixed = (v) => String(Math.round(v * 10) / 10);

/** Pixels above a panel for its title, where it stands alone. */
export const TITLE = 20;

/**
 * A scene as an SVG document of its own, with its title above it.
 * @param {Scene} scene
 */
export function svg(scene) {
  const { palette, left, right, top, bottom } = scene;
  const parts = frame(scene);
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${scene.width}" height="${scene.height + TITLE}" viewBox="0 ${-TITLE} ${scene.width} ${scene.height + TITLE}" font-family="${FONT}" font-size="11">`,
    `<title>${safe(scene.title)}</title><rect y="${-TITLE}" width="100%" height="100%" fill="${palette.ground}"/>`,
  ];
  const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ anchor, /** @type {string} */ colour, /** @type {string} */ words) =>
    out.push(`<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" fill="${colour}">${safe(words)}</text>`);
  for (const { px, text: words } of parts.vertical) {
    out.push(`<path d="M${fixed(px)} ${top}V${bottom}" stroke="${palette.grid}"/>`);
    text(px, bottom + 14, "middle", palette.faint, words);
  }
  for (const { py, text: words } of parts.horizontal) {
    out.push(`<path d="M${left} ${fixed(py)}H${right}" stroke="${palette.grid}"/>`);
    text(left - 5, py + 4, "end", palette.faint, words);
  }
  text((left + right) / 2, bottom + 29, "middle", palette.faint, scene.x.label);
  text(left, top - 12, "start", palette.ink, scene.title);
  out.push(`<svg x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" viewBox="${left} ${top} ${right - left} ${bottom - top}">`);
  for (const curve of [...scene.lines].sort((a, b) => a.weight - b.weight)) out.push(svgLine(scene, curve));
  for (const { py } of parts.rules) out.push(`<path d="M${left} ${fixed(py)}H${right}" stroke="${palette.ink}" stroke-dasharray="3 4"/>`);
  out.push("</svg>");
  for (const { py, name } of spaced(parts.rules)) text(right - 3, py - 4, "end", palette.ink, name);
  out.push("</svg>");
  return out.join("\n");
}

/**
 * Names of curves with pieces of their lines, as a part of an SVG document.
 * @param {Line[]} curves
 * @param {Palette} palette
 * @param {number} top
 * @param {number} width
 */
export function svgLegend(curves, palette, top, width) {
  const across = Math.max(1, Math.floor(width / 260));
  const rows = curves.map((curve, i) => {
    const [x, y] = [54 + (i % across) * 260, top + 16 * (Math.floor(i / across) + 1)];
    const dash = DASHES[curve.dash].length > 0 ? ` stroke-dasharray="${DASHES[curve.dash].join(" ")}"` : "";
    const stroke = `<path d="M${x} ${y - 4}h22" fill="none" stroke="${palette.colours[curve.colour]}" stroke-width="2.4"${dash}/>`;
    return `${stroke}<text x="${x + 28}" y="${y}" fill="${palette.ink}" font-size="11" font-family="${FONT}">${safe(curve.name)}</text>`;
  });
  return { text: rows.join("\n"), height: 16 * Math.ceil(curves.length / across) + 14 };
}

/**
 * @param {Scene} scene
 * @param {Line} curve
 */
function svgLine(scene, curve) {
  const style = look(curve, scene.lines.length);
  const colour = scene.palette.colours[curve.colour];
  const path = (/** @type {number[]} */ points) => {
    const pairs = [];
    for (let i = 0; i < points.length; i += 2) pairs.push(`${fixed(points[i])} ${fixed(points[i + 1])}`);
    return `M${pairs.join("L")}`;
  };
  const band = (curve.banded ? areas(scene, curve) : []).map((ring) => `<path d="${path(ring)}Z" fill="${colour}" fill-opacity="0.16"/>`);
  const d = pieces(scene, curve.x, curve.ty).map(path).join("");
  const dash = style.dash.length > 0 ? ` stroke-dasharray="${style.dash.join(" ")}"` : "";
  return `<g><title>${safe(curve.name)}</title>${band.join("")}<path d="${d}" fill="none" stroke="${colour}" stroke-opacity="${Math.round(style.alpha * 100) / 100}" stroke-width="${style.width}"${dash}/></g>`;
}
