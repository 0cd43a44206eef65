// What the page's modules share, for the type checker alone.

interface Quantity {
  name: string;
  label: string;
  scale: "share" | "linear" | "log";
  /** Whether high values are good ones. */
  high: boolean;
  /** Whether curves can be drawn against it. */
  axis: boolean;
}

interface Factor {
  name: string;
  values: string[];
}

type State = "finished" | "stopped" | "diverged" | "running" | "interrupted" | "waiting" | "failed";

interface Run {
  folder: string;
  seed: string;
  factors: number[];
  state: State;
  note?: string;
  settings: [number, number][];
  facts: [number, number][];
  command: string;
  finals: (number | null)[];
  /** Quantity, grid, place of the first number. */
  curves: [number, number, number][];
  /** Grid, place of the first number, numbers a round. */
  classes?: [number, number, number];
  weights?: [number, number, number];
  byzantine?: number[];
}

interface Raw {
  title: string;
  writer: string;
  reload: number | null;
  t: number[];
  quantities: Quantity[];
  factors: Factor[];
  keys: string[];
  values: string[];
  common: [number, number][];
  grids: number[][];
  thinned: number;
  most: number;
  runs: Run[];
  problems: [string, string][];
}

/** Runs that differ in their seeds alone. */
interface Group {
  key: string;
  /** Its place in the list of all groups. */
  index: number;
  factors: number[];
  runs: Run[];
}

interface Series {
  rounds: number[];
  values: Float32Array;
}

/** A mean over seeds with its 95 % interval, round by round. */
interface Band {
  rounds: number[];
  mean: Float64Array;
  low: Float64Array;
  high: Float64Array;
  /** Seeds behind it. */
  count: number;
}

interface Table {
  rounds: number[];
  columns: number;
  values: Float64Array;
}

interface Model extends Raw {
  groups: Group[];
  /** Places of quantities that some run has. */
  measured: number[];
  singles: Float32Array;
  shares: Uint16Array;
  /** What was computed once: bands of groups, and what they came to. */
  bands: Map<string, Band | null>;
  means: Map<string, Mean | null>;
}

interface Mean {
  mean: number;
  /** Half of the 95 % interval; null for one seed. */
  half: number | null;
  worst: number;
  count: number;
}

interface Chosen {
  /** For each factor the values that are let through; null for all. */
  filter: (Set<number> | null)[];
  /** The quantity of tables. */
  measure: number;
  /** Column of the table by which it is sorted: the value of an attack, "worst" or "name". */
  sort: string;
  x: string;
  panels: number[];
  scale: "auto" | "linear" | "log";
  smooth: number;
  lines: "mean" | "runs";
  references: boolean;
  zoom: [number, number] | null;
  pin: string | null;
  run: string | null;
  /** For each factor null, if both sides have the same value, or the values of the two sides. */
  compare: ([number, number] | null)[];
  theme: "auto" | "light" | "dark";
}

interface App {
  model: Model;
  selection: Chosen;
  /** Groups that the filter lets through. */
  shown: Group[];
  change(patch: Partial<Chosen>): void;
  say(text: string): void;
}

/** A curve as panels draw it. */
interface Line {
  key: string;
  name: string;
  colour: number;
  dash: number;
  rounds: number[];
  x: Float64Array;
  y: Float64Array;
  /** y as its axis has it: logarithms where that is logarithmic. */
  ty: Float64Array;
  low: Float64Array | null;
  high: Float64Array | null;
  /** Whether the band is drawn when the curve is not under the pointer. */
  banded: boolean;
  /** 0 is in the background, 1 ordinary, 2 in front. */
  weight: number;
  /** How far it is from being the best; 0 is the best. */
  rank: number;
  count: number;
}

interface Axis {
  log: boolean;
  /** Ends, in logarithms where the axis is logarithmic. */
  low: number;
  high: number;
  label: string;
}

interface Rule {
  y: number;
  name: string;
}

interface Palette {
  ink: string;
  faint: string;
  grid: string;
  ground: string;
  colours: string[];
}

interface Scene {
  width: number;
  height: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
  x: Axis;
  y: Axis;
  lines: Line[];
  rules: Rule[];
  title: string;
  palette: Palette;
}
