// One system of axes with its curves, under the pointer and the keyboard.

import { el, exact } from "./dom.js";
import { indexAt, nearest, projections } from "./scene.js";
import { paint, paintLines, svg } from "./paint.js";

/** Pixels within which a curve is under the pointer. */
const REACH = 40;

/** Colours that the colour-blind can tell apart come first. */
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9", "#8c564b", "#5e4fa2", "#7f7f7f"];
const DARK = ["#4da3e0", "#ff7f3f", "#2fc79b", "#e59fc6", "#f2f2f2", "#f0b429", "#8fd3ff", "#c79a8b", "#a79be0", "#a8a8a8"];

/** @returns {Palette} */
export function lightPalette() {
  return { ink: "#1a1a1a", faint: "#595959", grid: "#e2e2e2", ground: "#ffffff", colours: LIGHT };
}

/** The palette of the page as it is shown. @returns {Palette} */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const dark = of("--dark") === "1";
  return { ink: of("--ink"), faint: of("--faint"), grid: of("--grid"), ground: of("--ground"), colours: dark ? DARK : LIGHT };
}

/**
 * What happens in a panel.
 * @typedef {object} Reactions
 * @property {(panel: Panel, key: string | null, round: number | null, spoken: boolean) => void} hover
 * @property {(x: [number, number] | null) => void} zoom
 * @property {(key: string | null) => void} pick
 */

/**
 * @param {CanvasRenderingContext2D | null} ctx
 * @returns {CanvasRenderingContext2D}
 */
function known(ctx) {
  if (!ctx) throw new Error("this browser draws on no canvas");
  return ctx;
}

/** A panel: a canvas with the curves, and one above it with what is under the pointer. */
export class Panel {
  /**
   * @param {Reactions} reactions
   */
  constructor(reactions) {
    this.reactions = reactions;
    this.canvas = /** @type {HTMLCanvasElement} */ (el("canvas", { "aria-hidden": "true" }));
    this.above = /** @type {HTMLCanvasElement} */ (el("canvas", { "aria-hidden": "true", class: "above" }));
    this.heading = el("h3");
    this.focus = el("div", { class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart", "aria-describedby": "keys" }, this.canvas, this.above);
    this.element = el("figure", { class: "panel" }, el("figcaption", {}, this.heading), this.focus);
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {{ key: string, index: number } | null} */
    this.cursor = null;
    /** @type {[number, number] | null} */
    this.drag = null;
    /** @type {[number, number] | null} */
    this.yZoom = null;
    this.listen();
  }

  listen() {
    const place = (/** @type {PointerEvent} */ event) => {
      const box = this.above.getBoundingClientRect();
      return /** @type {[number, number]} */ ([event.clientX - box.left, event.clientY - box.top]);
    };
    this.focus.addEventListener("pointermove", (event) => this.move(...place(event)));
    this.focus.addEventListener("pointerdown", (event) => {
      this.drag = place(event);
      if (event.pointerType === "mouse") this.focus.setPointerCapture(event.pointerId);
      this.move(...place(event));
    });
    this.focus.addEventListener("pointerup", (event) => this.drop(...place(event)));
    this.focus.addEventListener("pointercancel", () => (this.drag = null));
    this.focus.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !this.drag) this.reactions.hover(this, null, null, false);
    });
    this.focus.addEventListener("dblclick", () => this.reset());
    this.focus.addEventListener("keydown", (event) => this.key(event));
  }

  reset() {
    this.yZoom = null;
    this.reactions.zoom(null);
  }

  /**
   * @param {number} px
   * @param {number} py
   */
  move(px, py) {
    const { scene } = this;
    if (!scene) return;
    if (this.drag && Math.abs(px - this.drag[0]) > 4) return this.drawAbove([this.drag[0], this.drag[1], px, py]);
    const found = nearest(scene, px, py, REACH);
    const { x } = projections(scene);
    const anchor = found?.line ?? scene.lines[0];
    const index = anchor ? indexAt(anchor.x, (px - x.shift) / x.scale) : -1;
    this.reactions.hover(this, found?.line.key ?? null, index < 0 ? null : anchor.rounds[index], false);
  }

  /**
   * @param {number} px
   * @param {number} py
   */
  drop(px, py) {
    const { drag, scene } = this;
    this.drag = null;
    if (!scene || !drag) return;
    if (Math.abs(px - drag[0]) <= 4) {
      const found = nearest(scene, px, py, REACH);
      return this.reactions.pick(found?.line.key ?? null);
    }
    const { x, y } = projections(scene);
    const back = (/** @type {number[]} */ ends, /** @type {{ scale: number, shift: number }} */ p) => {
      const values = ends.map((v) => (v - p.shift) / p.scale).sort((a, b) => a - b);
      return /** @type {[number, number]} */ ([values[0], values[1]]);
    };
    this.yZoom = Math.abs(py - drag[1]) > 20 ? back([drag[1], py], y) : null;
    this.reactions.zoom(back([drag[0], px], x));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { scene } = this;
    if (!scene || scene.lines.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const best = [...scene.lines].sort((a, b) => a.rank - b.rank);
    const at = Math.max(0, best.findIndex((line) => line.key === this.cursor?.key));
    const line = best[at];
    const index = this.cursor ? Math.min(this.cursor.index, line.x.length - 1) : line.x.length - 1;
    const go = (/** @type {Line} */ to, /** @type {number} */ i) => {
      const next = Math.min(Math.max(i, 0), to.x.length - 1);
      this.reactions.hover(this, to.key, to.rounds[next], true);
    };
    const around = (/** @type {number} */ factor) => {
      const [middle, half] = [line.x[index], ((scene.x.high - scene.x.low) / 2) * factor];
      this.reactions.zoom([middle - half, middle + half]);
    };
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowLeft: () => go(line, index - 1),
      ArrowRight: () => go(line, index + 1),
      ArrowUp: () => go(best[Math.max(at - 1, 0)], index),
      ArrowDown: () => go(best[this.cursor ? Math.min(at + 1, best.length - 1) : 0], index),
      Home: () => go(line, 0),
      End: () => go(line, line.x.length - 1),
      Enter: () => this.reactions.pick(line.key),
      "+": () => around(0.5),
      "-": () => around(2),
      Escape: () => (this.reset(), this.reactions.hover(this, null, null, false)),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /**
   * Shows lines.
   * @param {{ title: string, x: Axis, y: Axis, lines: Line[], rules: Rule[] }} content
   * @param {number} space pixels that there are across; asked of the page before anything is drawn
   * @param {Palette} colours
   */
  show(content, space, colours) {
    const width = Math.max(220, space);
    const height = width < 480 ? 240 : 280;
    const y = this.yZoom ? { ...content.y, low: this.yZoom[0], high: this.yZoom[1] } : content.y;
    this.scene = { ...content, y, width, height, left: 54, top: 10, right: width - 18, bottom: height - 36, palette: colours };
    this.heading.textContent = content.title;
    this.focus.setAttribute("aria-label", `${content.title} against ${content.x.label}, ${content.lines.length} curves`);
    for (const canvas of [this.canvas, this.above]) {
      const ratio = Math.min(devicePixelRatio || 1, 2);
      const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== across || canvas.height !== down) {
        canvas.width = across;
        canvas.height = down;
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
      }
      known(canvas.getContext("2d")).setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    paint(known(this.canvas.getContext("2d")), this.scene);
    this.drawAbove(null);
    this.cursor = null;
  }

  /**
   * Lights a curve and marks a round; null for none.
   * @param {string | null} key
   * @param {number | null} round
   */
  light(key, round) {
    const line = this.scene?.lines.find((l) => l.key === key) ?? null;
    const anchor = line ?? this.scene?.lines[0];
    const index = anchor && round !== null ? anchor.rounds.indexOf(round) : -1;
    this.cursor = line && index >= 0 ? { key: line.key, index } : null;
    this.drawAbove(null, line, anchor && index >= 0 ? anchor.x[index] : null, index);
  }

  /**
   * @param {number[] | null} box
   * @param {Line | null} [line]
   * @param {number | null} [at]
   * @param {number} [index]
   */
  drawAbove(box, line = null, at = null, index = -1) {
    const { scene } = this;
    if (!scene) return;
    const ctx = known(this.above.getContext("2d"));
    ctx.clearRect(0, 0, scene.width, scene.height);
    const { x, y } = projections(scene);
    ctx.save();
    ctx.beginPath();
    ctx.rect(scene.left, scene.top, scene.right - scene.left, scene.bottom - scene.top);
    ctx.clip();
    if (at !== null) {
      ctx.strokeStyle = scene.palette.faint;
      ctx.beginPath();
      ctx.moveTo(x.scale * at + x.shift, scene.top);
      ctx.lineTo(x.scale * at + x.shift, scene.bottom);
      ctx.stroke();
    }
    if (line) {
      const own = { ...line, weight: 2, banded: true };
      paintLines(ctx, { ...scene, palette: { ...scene.palette, colours: scene.palette.colours.map(() => scene.palette.ground) } }, [{ ...own, banded: false }], 1);
      paintLines(ctx, scene, [own], 1);
      if (index >= 0) {
        ctx.fillStyle = scene.palette.colours[line.colour];
        ctx.beginPath();
        ctx.arc(x.scale * line.x[index] + x.shift, y.scale * line.ty[index] + y.shift, 4, 0, 7);
        ctx.fill();
      }
    }
    if (box) {
      ctx.fillStyle = scene.palette.faint;
      ctx.globalAlpha = 0.2;
      const tall = Math.abs(box[3] - box[1]) > 20;
      ctx.fillRect(box[0], tall ? box[1] : scene.top, box[2] - box[0], tall ? box[3] - box[1] : scene.bottom - scene.top);
    }
    ctx.restore();
  }

  /**
   * The panel as SVG, in the colours of paper.
   */
  svg() {
    return this.scene ? svg({ ...this.scene, palette: lightPalette() }) : "";
  }

  /**
   * A point in words.
   * @param {string} key
   * @param {number} round
   */
  words(key, round) {
    const line = this.scene?.lines.find((l) => l.key === key);
    const index = line?.rounds.indexOf(round) ?? -1;
    if (!line || index < 0) return "";
    return `${line.name}, round ${round}: ${this.scene?.title} ${exact(line.y[index])}`;
  }
}
