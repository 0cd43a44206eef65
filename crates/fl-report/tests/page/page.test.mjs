// The report in a real browser: `cargo xtask pages` makes the pages and runs this.
//
// The environment: PAGES is the folder of the pages and of the runs they show, CHROMIUM the browser.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const folder = process.env.PAGES ?? ".";
const shots = join(folder, "screenshots");
let browser;

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});

after(() => browser.close());

/** Opens a page with the network refused; whatever it asks for, and each of its errors, ends the test. */
async function open(name, { hash = "", policy = true, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", acceptDownloads: true, ...options });
  const page = await context.newPage();
  const faults = [];
  const address = `http://report.invalid/${name}`;
  await context.route("**/*", (route) => {
    if (route.request().url().split("#")[0] !== address) {
      faults.push(`asked for ${route.request().url()}`);
      return route.abort();
    }
    const refuse = policy ? { "content-security-policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:" } : {};
    return route.fulfill({ body: readFileSync(join(folder, name)), headers: { "content-type": "text/html; charset=utf-8", ...refuse } });
  });
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => (faults.push("a dialog opened"), dialog.dismiss()));
  await page.goto(`${address}${hash}`);
  const close = async () => {
    assert.deepEqual(faults, []);
    await context.close();
  };
  return { page, close, faults };
}

/** From the page itself: what the driver knows of the address comes a moment later. */
const rawHash = (page) => page.evaluate(() => location.hash);
const hashOf = async (page) => decodeURIComponent(await rawHash(page));
const texts = (page, selector) => page.$$eval(selector, (list) => list.map((e) => e.textContent));
const number = (text) => Number(text.replace("−", "-"));

/** The runs of the small sweep, read from disk: method, attack, partition, and lines of metrics. */
function runsOnDisk() {
  const root = join(folder, "runs", "sweep");
  const summary = JSON.parse(readFileSync(join(root, "summary.json"), "utf8"));
  return summary.cells.map((cell) => ({
    ...cell,
    lines: readFileSync(join(root, cell.folder, "metrics.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)),
    done: JSON.parse(readFileSync(join(root, cell.folder, "done.json"), "utf8")),
  }));
}

/** Where a panel is, once it is in sight. */
async function place(page, number) {
  const plot = page.locator("#curves .plot").nth(number);
  await plot.scrollIntoViewIfNeeded();
  return plot.boundingBox();
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

async function saved(page, selector) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
  return readFileSync(await file.path(), "utf8");
}

/** Lines of CSV as lists of fields. */
const fields = (text) => text.trim().split("\n").map((line) => [...line.matchAll(/("([^"]|"")*"|[^,]*)(,|$)/g)].map((m) => m[1].replace(/^"|"$/g, "").replaceAll('""', '"')).slice(0, -1));

test("a page asks for nothing and has no error, whether opened from a server or from disk", async () => {
  for (const name of ["sweep.html", "hostile.html", "large.html", "damaged.html", "empty.html"]) {
    const { close } = await open(name);
    await close();
  }
  const context = await browser.newContext({ offline: true });
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => assert.fail(String(error)));
  await page.goto(`file://${join(folder, "sweep.html")}`);
  await page.waitForSelector("#curves canvas");
  assert.equal(asked.length, 1);
  await context.close();
});

test("a click on a cell, a row or a column filters tables, curves and runs", async () => {
  const { page, close } = await open("sweep.html");
  const curves = () => page.$eval("#curves .hint:not(#keys)", () => document.querySelector("#curves > .hint").textContent.split(" ")[0]);
  assert.equal(await curves(), "24");
  await page.click("#overview .wide:nth-of-type(1) tbody tr:nth-child(2) th button");
  assert.equal(await curves(), "6");
  await page.click("#clear");
  await page.click('#overview thead button.pick:text-is("alie")');
  assert.equal(await curves(), "8");
  assert.match(await hashOf(page), /only\+attack=alie/);
  await page.click("#overview tbody tr:nth-child(1) td:last-child button");
  assert.equal(await curves(), "2");
  assert.match(await page.textContent("#runs h2"), /\(6\)/);
  assert.match(await page.textContent("#filters"), /6 of 72 runs/);
  await close();
});

test("the values at a round are those of metrics.jsonl", async () => {
  const { page, close } = await open("sweep.html", { hash: "#only+partition=i.i.d.&only+attack=alie&panels=accuracy+outer-variation" });
  const disk = runsOnDisk().filter((run) => run.labels.includes("i.i.d.") && run.labels.includes("alie"));
  const wanted = (value, geometric) => (name, round) => {
    const values = disk.filter((run) => run.method === name).map((run) => value(run.lines.find((line) => line.round === round)));
    return geometric ? Math.exp(mean(values.map(Math.log))) : mean(values);
  };
  const panels = [wanted((line) => line.accuracy, false), wanted((line) => line.full.outer_variation, true)];
  for (const [panel, value] of panels.entries()) {
    for (const share of [0.15, 0.5, 0.95]) {
      const box = await place(page, panel);
      await page.mouse.move(box.x + 60 + share * (box.width - 80), box.y + 100);
      await page.waitForSelector("#curves .values caption");
      await page.waitForTimeout(60);
      const round = Number(/Round (\d+)/.exec(await page.textContent("#curves .values caption"))[1]);
      const rows = await page.$$eval("#curves .values tbody tr", (list) => list.map((row) => [row.children[0].textContent, row.children[1].textContent]));
      assert.equal(rows.length, 4);
      for (const [name, shown] of rows) {
        const true_value = value(name, round);
        assert.ok(Math.abs(number(shown) - true_value) <= 2e-6 * Math.abs(true_value) + 1e-12, `${name}, round ${round}: ${shown} and ${true_value}`);
      }
    }
  }
  await close();
});

test("the table is what done.json says, its CSV is the table, and both are those of the page without a script", async () => {
  const { page, close } = await open("sweep.html", { hash: "#only+partition=Dirichlet" });
  const disk = runsOnDisk().filter((run) => run.labels.includes("Dirichlet"));
  const csv = fields(await saved(page, "#table-csv"));
  assert.deepEqual(csv[0].slice(0, 3), ["method", "attack", "partition"]);
  assert.equal(csv.length, 13);
  for (const [method, attack, partition, seeds, average, , worst] of csv.slice(1)) {
    const values = disk.filter((run) => run.method === method && run.labels.includes(attack)).map((run) => run.done.final_accuracy);
    assert.equal(partition, "Dirichlet");
    assert.equal(seeds, "3");
    assert.ok(Math.abs(Number(average) - mean(values)) < 1e-12, `${method}, ${attack}`);
    assert.equal(Number(worst), Math.min(...values));
  }
  const shown = await texts(page, "#overview .matrix td:not(.worst) b");
  const inCsv = csv.slice(1).map((row) => Number(row[4]).toFixed(3));
  assert.deepEqual([...shown].sort(), [...inCsv].sort());
  await close();
  const plain = await open("sweep.html", { javaScriptEnabled: false });
  const cells = await texts(plain.page, "#plain div:nth-of-type(2) td");
  assert.deepEqual(cells.map((text) => text.split(" ")[0]).sort(), [...inCsv].sort());
  assert.ok((await plain.page.$$("#plain svg")).length === 1);
  await plain.close();
});

test("the address restores what was selected, after a reload and elsewhere", async () => {
  const { page, close } = await open("sweep.html");
  await page.click('#overview thead button.pick:text-is("sign-flipping")');
  await page.selectOption("#overview select", { label: "test loss" });
  await page.selectOption('#curves label:has-text("curves") select', "runs");
  await page.selectOption('#curves label:has-text("smoothing") select', "3");
  await page.click("#runs tbody tr:nth-child(2) button");
  const box = await place(page, 0);
  await page.mouse.move(box.x + 150, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 300, box.y + 180, { steps: 4 });
  await page.mouse.up();
  assert.match(await hashOf(page), /zoom=/);
  const state = () => page.evaluate(() => document.getElementById("page").innerText);
  const before_reload = await state();
  const hash = await rawHash(page);
  await page.reload();
  // How far a panel is zoomed vertically is not in the address.
  assert.equal(await state(), before_reload);
  await close();
  const other = await open("sweep.html", { hash });
  assert.equal(await other.page.evaluate(() => document.getElementById("page").innerText), before_reload);
  await other.close();
  const wrong = await open("sweep.html", { hash: "#only+attack=nothing&run=x&pin=y&zoom=a+b&measure=z&panels=q&compare+method=1" });
  assert.ok((await wrong.page.$$("#curves canvas")).length > 0);
  await wrong.close();
});

test("a run in detail says what repeats it, what differs, and who was Byzantine", async () => {
  const { page, close } = await open("sweep.html", { hash: "#only+method=Krum&only+attack=alie" });
  await page.click("#runs tbody tr:nth-child(1) button");
  const run = runsOnDisk().find((r) => r.method === "Krum" && r.labels.includes("alie") && r.labels.includes("i.i.d.") && r.seed === 0);
  assert.match(await page.inputValue("#run .command"), new RegExp(`fl-cli run .*${run.folder}/config.toml`));
  const detail = await page.textContent("#run");
  assert.match(detail, new RegExp(run.done.data_digest));
  assert.match(detail, /avx|sse|neon|scalar/);
  assert.match(detail, /Byzantine workers\d+, \d+/);
  const differing = await texts(page, "#run .differs th");
  assert.ok(differing.some((key) => key.startsWith("data.partition")) && differing.includes("seeds"), String(differing));
  const last = run.lines.at(-1).class_accuracy;
  const shown = await texts(page, "#run .heat tbody tr td:last-child");
  assert.deepEqual(shown.slice(0, 10), last.map((v) => v.toFixed(2).replace(/^0/, "")));
  await close();
});

test("two methods are compared seed by seed", async () => {
  const { page, close } = await open("sweep.html", { hash: "#only+partition=i.i.d.&compare+method=Krum&compare+method=mean" });
  const csv = fields(await saved(page, "#compare-csv"));
  const final = (method, attack) => runsOnDisk().filter((r) => r.method === method && r.labels.includes(attack) && r.labels.includes("i.i.d.")).sort((a, b) => a.seed - b.seed).map((r) => r.done.final_accuracy);
  for (const attack of ["none", "sign-flipping", "alie"]) {
    const gaps = final("Krum", attack).map((a, i) => a - final("mean", attack)[i]);
    const row = csv.find(([name]) => name.startsWith(attack));
    const deviation = Math.sqrt(gaps.reduce((sum, g) => sum + (g - mean(gaps)) ** 2, 0) / 2);
    assert.ok(Math.abs(Number(row[3]) - mean(gaps)) < 1e-12, attack);
    assert.ok(Math.abs(Number(row[4]) - (4.302652729 * deviation) / Math.sqrt(3)) < 1e-8, attack);
  }
  await close();
});

test("what is saved of curves is what is drawn, and SVG is a picture", async () => {
  const { page, close } = await open("sweep.html", { hash: "#only+partition=i.i.d.&only+attack=none&only+method=Krum&panels=accuracy" });
  const csv = fields(await saved(page, "#curves-csv"));
  const disk = runsOnDisk().filter((r) => r.method === "Krum" && r.labels.includes("none") && r.labels.includes("i.i.d."));
  assert.equal(csv.length, 1 + disk[0].lines.length);
  csv.slice(1).forEach((row, i) => assert.ok(Math.abs(Number(row[3]) - mean(disk.map((r) => r.lines[i].accuracy))) < 1e-6));
  const svg = await saved(page, "#curves-svg");
  const shapes = await page.evaluate((text) => {
    const tree = new DOMParser().parseFromString(text, "image/svg+xml");
    return [tree.querySelectorAll("parsererror").length, tree.querySelectorAll("path").length];
  }, svg);
  assert.equal(shapes[0], 0);
  assert.ok(shapes[1] > 5);
  await close();
});

test("axes, smoothing and single runs do what they say, and say it", async () => {
  const { page, close } = await open("sweep.html", { hash: "#only+partition=i.i.d.&only+attack=none&only+method=Krum&panels=accuracy" });
  const disk = runsOnDisk().filter((r) => r.method === "Krum" && r.labels.includes("none") && r.labels.includes("i.i.d."));
  const choose = (words, value) => page.selectOption(`#curves label:has-text("${words}") select`, value);
  await choose("against", "gradients");
  const timing = (run) => readFileSync(join(folder, "runs", "sweep", run.folder, "timing.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const costs = fields(await saved(page, "#curves-csv"));
  assert.equal(costs[0][3], "gradients");
  // SGD: eight regular workers with sixteen samples a round.
  assert.deepEqual(costs.slice(1).map((row) => Number(row[3])), timing(disk[0]).map((line) => line.gradients));
  assert.equal(Number(costs[2][3]), 6 * 8 * 16);
  await choose("against", "seconds");
  await choose("against", "round");
  await choose("smoothing", "3");
  assert.match(await page.textContent("#curves h3"), /mean of 3 evaluations/);
  const smooth = fields(await saved(page, "#curves-csv"));
  assert.match(smooth[1][0], /mean of 3/);
  const at = (i) => mean(disk.map((r) => r.lines[i].accuracy));
  assert.ok(Math.abs(Number(smooth[3][3]) - mean([at(1), at(2), at(3)])) < 1e-6);
  assert.ok(Math.abs(Number(smooth[1][3]) - at(0)) < 1e-6);
  await choose("smoothing", "1");
  await choose("curves", "runs");
  assert.equal(fields(await saved(page, "#curves-csv")).length, 1 + 3 * disk[0].lines.length);
  await choose("axis", "log");
  assert.match(await hashOf(page), /scale=log/);
  await close();
});

test("names of others do nothing", async () => {
  const { page, close } = await open("hostile.html");
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  const counts = await page.evaluate(() => [document.querySelectorAll("script").length, document.querySelectorAll("img, iframe, object, embed").length, document.body.scrollWidth <= innerWidth + 1]);
  assert.deepEqual(counts, [5, 0, true]);
  for (const name of ["</script><script>pwned = 1</script>", "\"><img src=x onerror=pwned=1>", "⟨U+202E⟩"]) {
    assert.ok((await page.textContent("#overview")).includes(name), name);
  }
  await page.click("#runs tbody tr:nth-child(1) button");
  await page.click("#overview tbody td button");
  const csv = await saved(page, "#table-csv");
  assert.doesNotMatch(csv, /^=/m);
  await close();
});

test("what is damaged is said, and the rest is shown", async () => {
  const { page, close } = await open("damaged.html");
  const problems = await page.textContent("#problems");
  for (const part of [/config\.toml/, /done\.json/, /metrics\.jsonl/, /line 3/, /not there/]) assert.match(problems, part);
  assert.ok((await page.$$("#overview .matrix td b")).length > 5);
  await close();
  const empty = await open("empty.html");
  assert.match(await empty.page.textContent("body"), /config\.toml: cannot be read/);
  await empty.close();
});

test("the keyboard reaches points of curves, and says their values", async () => {
  const { page, close } = await open("sweep.html", { hash: "#only+partition=i.i.d.&only+attack=none" });
  await page.focus("#curves .plot");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  assert.match(await page.textContent(".live"), /round 55: test accuracy 0\.\d+/);
  const first = await page.textContent(".live");
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await page.textContent(".live"), first);
  await page.keyboard.press("Enter");
  assert.match(await hashOf(page), /pin=/);
  await page.focus("#overview .matrix button[tabindex='0']");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.className), "cell");
  await close();
});

/** Ratios of contrast of all texts, the least of each pair of colours. */
function contrasts() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  for (const element of document.querySelectorAll("#page *, header *, #problems *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    let ground = element;
    while (ground && rgb(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
    const pair = [light(rgb(getComputedStyle(element).color)), light(rgb(ground ? getComputedStyle(ground).backgroundColor : "#fff"))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5 && !element.closest(":disabled")) found.push(`${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return found;
}

test("texts have the contrast of level AA, buttons a name, and nothing is wider than the window", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 400]) {
      const { page, close } = await open("sweep.html", { colorScheme, viewport: { width, height: 900 }, hash: "#only+partition=i.i.d." });
      await page.click("#runs tbody tr:nth-child(1) button");
      assert.deepEqual(await page.evaluate(contrasts), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} pixels`);
      assert.deepEqual(await page.$$eval("button, select, input", (list) => list.filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.closest("label")?.textContent.trim())).map((e) => e.outerHTML)), []);
      await page.screenshot({ path: join(shots, `sweep-${width}-${colorScheme}.png`), fullPage: true });
      await close();
    }
  }
});

test("it prints its curves as lines", async () => {
  const { page, close } = await open("sweep.html");
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.ok((await page.$$(".paper svg svg")).length > 0);
  await page.screenshot({ path: join(shots, "print.png"), fullPage: true });
  await close();
});

test("a page of runs under way loads itself again and keeps its selection", async () => {
  const { page, close } = await open("running.html", { hash: "#only+method=Krum" });
  const loads = [];
  page.on("load", () => loads.push(hashOf(page)));
  await page.waitForEvent("load", { timeout: 5000 });
  assert.match(await loads[0], /only\+method=Krum/);
  await page.click("#again");
  await close();
});

test("960 runs of 61 points and 12 quantities: size, and what the browser needed", async (t) => {
  const bytes = readFileSync(join(folder, "large.html")).length;
  assert.ok(bytes <= 8_000_000, `${bytes} bytes`);
  const { page, close } = await open("large.html");
  const of = (name) => page.evaluate((n) => performance.getEntriesByName(n).map((e) => e.duration), name);
  const [loaded] = await page.evaluate(() => performance.getEntriesByType("navigation").map((e) => e.loadEventEnd));
  for (const smooth of ["3", "1", "5"]) await page.selectOption('#curves label:has-text("smoothing") select', smooth);
  // Times are told and not judged: machines differ.
  t.diagnostic(`${(bytes / 1e6).toFixed(2)} MB; loaded after ${loaded.toFixed(0)} ms, of which the script ${(await of("start"))[0].toFixed(0)} ms; redraws in ms: ${(await of("redraw")).map((d) => d.toFixed(0)).join(", ")}`);
  await page.screenshot({ path: join(shots, "large.png"), fullPage: true });
  await close();
});
