import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { readMeasurement, type ReadMeasurement } from "../../src/report/columns.ts";
import { executable, launch, OpenReport } from "../support/browser.ts";
import { formatSize } from "../../shared/format.ts";
import type { ReportData } from "../../shared/reportData.ts";
import { keyOf, writeRows } from "../support/reportRows.ts";
import { THEMES } from "../support/themes.ts";

const skip = executable === undefined && "there is no Chromium on this machine";

describe("the report in a browser", { skip }, () => {
  let folder = "";
  let browser: Browser;
  let report: OpenReport;
  let page: Page;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "snapsize-page-"));
    browser = await launch();
  });

  after(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  afterEach(async () => {
    assert.deepEqual(report.complaints, [], "the page complained");
    await report.close();
  });

  async function measured(assets: number, jobs: number): Promise<ReadMeasurement> {
    const rows = join(folder, `${assets}x${jobs}.jsonl`);
    const location = await writeRows(rows, { assets, jobs });
    return readMeasurement(location, rows, new AbortController().signal);
  }

  async function open(
    measurement: ReadMeasurement | undefined,
    options: Parameters<typeof OpenReport.open>[1] = {},
  ): Promise<void> {
    report = await OpenReport.open(browser, options);
    page = report.page;
    if (measurement) await report.show(measurement);
  }

  const box = (name: string | RegExp) => page.getByRole("treeitem", { name });
  const crumbs = () => page.locator(".breadcrumb li").allInnerTexts();
  const rowNames = () => page.locator(".rows .row .name").allTextContents();
  // Not page.waitForFunction: the page's own policy forbids what that evaluates while it waits.
  const until = async (script: string) => {
    const end = Date.now() + 60_000;
    while (!(await page.evaluate<boolean>(script))) {
      assert.ok(Date.now() < end, script);
      await page.evaluate("new Promise(requestAnimationFrame)");
    }
  };

  test("keyboard alone goes in down to the fields, and out again to the box one came from", async () => {
    await open(await measured(200, 3));
    await box(/^repository,/).focus();
    await page.keyboard.press("Enter");
    assert.deepEqual((await crumbs()).slice(0, 1), ["All snapshots"]);
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    const second = await page.evaluate<string>("document.activeElement.ariaLabel");
    await page.keyboard.press("Enter");
    await box(/^description,/).waitFor();
    assert.match((await crumbs()).at(-1) ?? "", /table_\d+, /);
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate("document.activeElement.ariaLabel"), second);
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    assert.equal((await crumbs()).length, 1);
    assert.match(await page.evaluate("document.activeElement.ariaLabel"), /^repository,/);
  });

  test("arrow keys go to the box on that side", async () => {
    await open(await measured(200, 3));
    await box(/^repository,/).click({ position: { x: 20, y: 8 } });
    const place = () =>
      page.evaluate<{ x: number; y: number }>(
        "document.activeElement.getBoundingClientRect().toJSON()",
      );
    const first = await place();
    await page.keyboard.press("ArrowRight");
    const right = await place();
    assert.ok(right.x > first.x);
    await page.keyboard.press("ArrowDown");
    assert.ok((await place()).y > right.y);
    await page.keyboard.press("Home");
    assert.deepEqual(await place(), first);
  });

  test("a search lights what it finds, filters the table, and says how much that is", async () => {
    await open(await measured(200, 3));
    await page.getByRole("searchbox").fill("table_00007");
    assert.deepEqual(await rowNames(), [keyOf(7), `${keyOf(7)}:not_nullcheck`]);
    const lit = page.locator(".box.asset:not(.dim)");
    assert.match((await lit.first().innerText()).split("\n")[0] ?? "", /00007/);
    assert.equal(await page.locator("[aria-live]").innerText(), "1 asset found, 1 other owner");
    await page.getByRole("searchbox").press("Escape");
    await until("document.querySelectorAll('.box.dim').length === 0");
  });

  test("an asset's row leads to its source, one without a source into the treemap", async () => {
    await open(await measured(200, 3));
    await page.locator(".rows .row", { hasText: "table_00001" }).click();
    await page.locator(".rows .row", { hasText: "table_00004" }).click();
    assert.deepEqual(
      report.asked.filter(({ type }) => type === "open"),
      [{ type: "open", generation: 1, asset: 1 }],
    );
    await until("document.querySelectorAll('.box.field').length > 0");
    assert.match((await crumbs()).at(-1) ?? "", /table_00004/);
  });

  test("the table is worked with the keyboard, and knows how long it is", async () => {
    await open(await measured(2000, 3));
    const grid = page.getByRole("grid");
    await grid.focus();
    await page.keyboard.press("End");
    const last = page.locator(`#${(await grid.getAttribute("aria-activedescendant")) ?? ""}`);
    await last.waitFor();
    assert.equal(
      await last.getAttribute("aria-rowindex"),
      await grid.getAttribute("aria-rowcount"),
    );
    assert.ok((await page.locator(".rows .row").count()) < 100);
    await page.keyboard.press("Home");
    await page.getByRole("columnheader", { name: "Name" }).getByRole("button").click();
    assert.equal(
      await page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort"),
      "ascending",
    );
    assert.equal((await rowNames())[0], "[Dagster types]structure");
  });

  test("a new measurement leaves zoom, search, order and place in the table alone", async () => {
    const measurement = await measured(2000, 3);
    await open(measurement);
    await box(/^repository,/).click({ position: { x: 20, y: 8 } });
    await page.getByRole("searchbox").fill("layer_1");
    await page.getByRole("columnheader", { name: "Name" }).getByRole("button").click();
    await page.evaluate("document.querySelector('.table').scrollTop = 2200");
    await until("saved.view.scrollTop === 2200");
    const seen = () => Promise.all([crumbs(), rowNames(), page.locator(".box.dim").count()]);
    const before = await seen();
    await report.show(measurement);
    assert.deepEqual(await seen(), before);
    assert.equal(await page.evaluate("document.querySelector('.table').scrollTop"), 2200);
  });

  test("a page that is made again begins where it was", async () => {
    const measurement = await measured(200, 3);
    await open(measurement);
    await box(/^repository,/).click({ position: { x: 20, y: 8 } });
    await page.getByRole("searchbox").fill("layer_1");
    const state = await report.saved();
    const before = [await crumbs(), await rowNames()];
    await report.close();
    await open(measurement, { state });
    assert.deepEqual([await crumbs(), await rowNames()], before);
    assert.equal(await page.getByRole("searchbox").inputValue(), "layer_1");
  });

  test("when what is zoomed into is gone, the nearest that is left is shown", async () => {
    await open(await measured(200, 3));
    await page.getByRole("button", { name: /^nightly_2 / }).click();
    await report.show(await measured(200, 2));
    assert.equal((await crumbs()).length, 1);
  });

  test("an asset that is explained before there are sizes is shown with them", async () => {
    await open(undefined);
    await report.go({ asset: { key: keyOf(7), repository: "__repository__" } });
    const measurement = await measured(200, 3);
    await report.show(measurement);
    await page.locator(".rows .row", { hasText: "description" }).waitFor();
    assert.match((await crumbs()).at(-1) ?? "", /table_00007, /);
    // Its fields in all snapshots together are all of it.
    const all = measurement.data.assets.total[7];
    const titles = await page.evaluate<string[]>(
      'Array.from(document.querySelectorAll(".rows .row .bytes"), (cell) => cell.title)',
    );
    const fields = titles.map((title) => Number(title.replace(/\D/g, "")));
    assert.equal(
      fields.reduce((sum, bytes) => sum + bytes, 0),
      all,
    );
    const caption = page.locator(".caption");
    assert.match(await caption.innerText(), /in all snapshots, .* % of the code location/);
    // And it is where a page that is made again begins.
    const state = await report.saved();
    await report.close();
    await open(measurement, { state });
    assert.match((await crumbs()).at(-1) ?? "", /table_00007, /);
  });

  test("of two repositories with one asset key the one that was asked for is explained", async () => {
    const measurement = await measured(200, 3);
    const { assets, names } = measurement.data;
    const data = {
      ...measurement.data,
      names: { ...names, repositories: ["__repository__", "second"] },
      assets: {
        ...assets,
        key: [keyOf(0), keyOf(0), ...assets.key.slice(2)],
        repository: Float64Array.from(assets.key, (_, row) => Number(row === 1)),
      },
    };
    await open({ ...measurement, data });
    const shownBytes = async (repository: string) => {
      await report.go({ asset: { key: keyOf(0), repository } });
      return crumbs().then((all) => all.at(-1));
    };
    const first = formatSize(assets.total[0] ?? 0);
    const second = formatSize(assets.total[1] ?? 0);
    assert.notEqual(first, second);
    assert.equal(await shownBytes("second"), `${keyOf(0)}, ${second}`);
    assert.equal(await shownBytes("__repository__"), `${keyOf(0)}, ${first}`);
  });

  test("limits are shown with what each snapshot is judged by", async () => {
    const measurement = await measured(200, 3);
    const limit = { source: "Dagster's default", description: "the largest", problem: null };
    const limits = [
      { ...limit, name: "DAGSTER_GRPC_MAX_RX_BYTES", value: "100 MB" },
      { ...limit, name: "DAGSTER_GRPC_TIMEOUT_SECONDS", value: "unusable", problem: "is <b>x</b>" },
    ];
    await open({ ...measurement, data: { ...measurement.data, limits } });
    await report.go({ tab: "limits" });
    const main = page.getByRole("main", { name: "Limits" });
    const row = (name: string) => main.getByRole("row", { name }).innerText();
    assert.match(await row("DAGSTER_GRPC_MAX_RX_BYTES"), /100 MB\s+Dagster's default/);
    assert.match(await row("DAGSTER_GRPC_TIMEOUT_SECONDS"), /is <b>x<\/b>/);
    assert.match(await row("nightly_1 job"), /budget.job, pyproject.toml/);
    assert.equal((await report.saved()).view.shown, "limits");
  });

  test("with 21 jobs their bars scroll, and the repository stays in sight", async () => {
    for (const width of [380, 900]) {
      await open(await measured(200, 21), { width, height: 700 });
      const repository = page.getByRole("button", { name: /^repository / });
      const last = page.locator(".jobs li").last();
      const before = await repository.boundingBox();
      assert.ok(((await last.boundingBox())?.y ?? 0) > (before?.y ?? 0) + 104);
      await last.scrollIntoViewIfNeeded();
      assert.deepEqual(await repository.boundingBox(), before);
      assert.ok(((await last.boundingBox())?.y ?? 1e9) < (before?.y ?? 0) + 250);
      if (width === 380) await report.close();
    }
  });

  test("a column in which nothing stands is not there", async () => {
    await open(await measured(200, 3));
    const head = page.getByRole("columnheader", { name: /Heaviest|Shared/ });
    assert.equal(await head.isVisible(), true);
    await page.getByRole("searchbox").fill("nothing like this");
    assert.equal(await head.isVisible(), false);
  });

  test("states are shown as text, with the button that helps", async () => {
    await open(undefined);
    const say = (kind: "empty" | "failed" | "current", text: string) =>
      report.status({
        kind,
        text,
        actions: kind === "failed" ? ["openFailure", "measure"] : ["measure"],
      });
    await say("empty", "Nothing has been measured yet.");
    await page.getByRole("button", { name: "Measure Now" }).click();
    assert.equal(await page.getByRole("tree").isVisible(), false);
    await report.show(await measured(200, 3));
    await say("failed", "KeyError: <b>x</b>");
    assert.match(await page.getByRole("status").innerText(), /KeyError: <b>x<\/b>/);
    await page.getByRole("button", { name: "Go to the Error" }).click();
    await say("current", "");
    assert.equal(await page.getByRole("status").isVisible(), false);
    const asked = report.asked.map((message) => ("action" in message ? message.action : ""));
    assert.deepEqual(asked, ["", "measure", "openFailure"]);
  });

  test("text from user code is never markup", async () => {
    const measurement = await measured(200, 3);
    const evil = '<img src=x onerror="document.title = 1"><b>';
    const { data } = measurement;
    const changed = {
      ...data,
      location: evil,
      names: { ...data.names, groups: data.names.groups.map((group) => evil + group) },
      assets: { ...data.assets, key: data.assets.key.map((key) => evil + key) },
    };
    await open({ ...measurement, data: changed });
    await page.getByRole("button", { name: /^repository / }).click();
    await page
      .locator(".box.group")
      .first()
      .hover({ position: { x: 20, y: 8 } });
    assert.equal(await page.locator("img, b").count(), 0);
    assert.ok((await page.locator(".tooltip").innerText()).includes(evil));
  });

  test("every label can be read in every theme, and a change of theme shows at once", async () => {
    await open(await measured(200, 3));
    for (const theme of Object.keys(THEMES) as (keyof typeof THEMES)[]) {
      await report.theme(theme);
      const contrast = await page.evaluate<{ least: number; of: string }>(CONTRAST);
      assert.ok(contrast.least >= 4.5, `${theme}: ${contrast.least} at ${contrast.of}`);
    }
  });

  test("screen readers can read everything, as checked by axe", async () => {
    await open(await measured(200, 3));
    await page.evaluate(axe.source);
    const violations = () =>
      page.evaluate<string[]>(
        "axe.run().then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes[0].html))",
      );
    assert.deepEqual(await violations(), []);
    await box(/^repository,/).press("Enter");
    assert.deepEqual(await violations(), []);
  });

  test("advice of one kind stands together, and says once how it is followed", async () => {
    const measurement = await measured(10, 1);
    const row = (title: string, how: string) => ({
      kind: "repeat",
      title,
      saved_bytes: 5_000,
      by_snapshot: {},
      field: "description",
      assets: [],
      asset_count: 2,
      places: [],
      place_count: 0,
      how,
      preview: "",
    });
    const advice = [row("one", "Say it once."), row("job", "Drop it."), row("two", "Say it once.")];
    await open({ ...measurement, data: { ...measurement.data, advice } });
    await page.getByRole("button", { name: "Advice (3)" }).press("Enter");
    const rows = await page.locator(".advice-row").allInnerTexts();
    const shown = rows.map((text) => [/one|two|job/.exec(text)?.[0], / it( once)?\./.test(text)]);
    assert.deepEqual(shown, [
      ["one", true],
      ["two", false],
      ["job", true],
    ]);
  });

  test("advice leads to its places and among the sizes, and screen readers can read it", async () => {
    const measurement = await measured(200, 3);
    const [first = ""] = measurement.data.assets.key;
    const place = { path: "/project/<b>.py", line: 3 };
    const advice = {
      kind: "repeat",
      title: "the same description on 150 assets",
      saved_bytes: 12_345,
      by_snapshot: { [measurement.data.snapshots[0]?.id ?? ""]: 12_345 },
      field: "description",
      assets: [first],
      asset_count: 150,
      places: Array.from({ length: 5 }, () => place),
      place_count: 9,
      how: "Say it once, with `dg.MetadataValue.url`.",
      preview: "<img src=x>\u202e",
    };
    const finding = {
      rule: "asset-over-budget",
      severity: "warning" as const,
      message: "asset <b> takes 9 kB",
      details: null,
      advice: null,
      location: place,
    };
    const data = { ...measurement.data, advice: [advice], findings: [finding] };
    await open({ ...measurement, data });
    await page.evaluate(axe.source);
    const violations = () =>
      page.evaluate<string[]>(
        "axe.run().then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes[0].html))",
      );
    await page.getByRole("button", { name: "Advice (1)" }).press("Enter");
    assert.equal(await page.getByRole("tree").isVisible(), false);
    await page.getByRole("button", { name: "6 more places" }).press("Enter");
    assert.equal(await page.getByRole("button", { name: "/project/<b>.py:3" }).count(), 5);
    assert.equal(await page.getByText("and 4 more places").count(), 1);
    await page.getByText("Which snapshots and assets").click();
    assert.deepEqual(await violations(), []);
    await page.keyboard.press("Backspace");
    await page.getByRole("button", { name: "/project/<b>.py:3" }).last().click();
    await page.getByRole("button", { name: first }).click();
    assert.equal(await page.getByRole("searchbox").inputValue(), first);
    assert.ok(await page.getByRole("tree").isVisible());
    await page.getByRole("button", { name: "Findings (1)" }).click();
    assert.deepEqual(await violations(), []);
    await page.getByRole("button", { name: "/project/<b>.py:3" }).last().click();
    assert.equal(await page.locator("img, b").count(), 0);
    assert.deepEqual(
      report.asked.filter(({ type }) => type === "openPlace"),
      [
        { type: "openPlace", place },
        { type: "openPlace", place },
      ],
    );
    assert.equal((await report.saved()).view.shown, "findings");
  });

  test("a snapshot that a server refused to send has no stored size", async () => {
    const measurement = await measured(20, 1);
    const { snapshots } = measurement.data;
    const refused = { ...snapshots[1], id: "refused", name: "huge", storedBytes: 0 };
    const data = { ...measurement.data, snapshots: [...snapshots, refused] } as ReportData;
    await open({ ...measurement, data });
    const summary = await page.locator(".summary").first().textContent();
    assert.match(
      summary ?? "",
      / stored in 2 snapshots, .*; 1 more snapshot not sent by the server$/,
    );
    const bar = page.locator(".snapshots").getByText("huge");
    assert.match(
      (await bar.locator("xpath=ancestor::*[@title][1]").getAttribute("title")) ?? "",
      /\nnot sent by the server, so its owners are unknown\non the wire /,
    );
  });

  test("the load time is drawn and listed, for keyboard and screen reader too", async () => {
    const measurement = await measured(20, 1);
    const place = { path: "/project/<b>.py", line: 3 };
    const leaf = (name: string, microseconds: number) => ({
      ...{ name, microseconds, location: null, children: [] },
    });
    const line = { ...leaf("top-level code", 700_000), location: place };
    const dbt = { ...leaf("dagster-dbt", 600_000), children: [leaf("networkx", 400_000)] };
    const phases = [
      { ...leaf("[definitions]", 800_000), children: [{ ...line, children: [dbt] }] },
      leaf("[import of Dagster]", 200_000),
    ];
    const loadTime = {
      microseconds: 1_000_000,
      isPlain: true,
      knowsMemory: true,
      owners: [
        {
          what: "import <img>",
          location: place,
          distribution: "dagster-dbt",
          microseconds: 800_000,
          grownBytes: 12_300_000,
        },
        {
          what: "[import of Dagster]",
          location: null,
          distribution: "dagster",
          microseconds: 200_000,
          grownBytes: -1_200,
        },
      ],
      distributions: [
        {
          name: "networkx 3.6",
          through: "dagster-dbt",
          microseconds: 1_000_000,
          grownBytes: 12_298_800,
        },
      ],
      tree: { ...leaf("all", 1_000_000), children: phases },
    };
    await open({
      ...measurement,
      data: { ...measurement.data, loadTime: { ...loadTime, measuredAt: 1_700_000_000 } },
    });
    await report.go({ tab: "time" });
    assert.match(
      await page.locator(".load-time .about").first().innerText(),
      /as by a code server; measured at .*2023.*, when it was last loaded from nothing$/,
    );
    const memory = page.getByRole("cell", { name: "-1.2 kB" });
    assert.equal(await memory.count(), 1);
    await page.getByRole("button", { name: "Load time" }).press("Enter");
    const steps = page.locator(".icicle").getByRole("treeitem");
    await steps.nth(5).waitFor();
    assert.equal(await steps.count(), 6);
    await page.evaluate(axe.source);
    assert.deepEqual(
      await page.evaluate<string[]>(
        "axe.run().then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes[0].html))",
      ),
      [],
    );
    const focused = () => page.evaluate<string>("document.activeElement.ariaLabel");
    await steps.first().focus();
    for (const key of ["ArrowDown", "ArrowDown", "Enter"]) {
      await page.keyboard.press(key);
    }
    assert.equal(await focused(), "/project/<b>.py:3 top-level code, 0.70 s, 70 %");
    assert.equal(await steps.count(), 3);
    await page.keyboard.press("Escape");
    assert.equal(await steps.count(), 4);
    await page.keyboard.press("Escape");
    assert.equal(await focused(), "[definitions], 0.80 s, 80 %");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "[import of Dagster], 0.20 s, 20 %");
    await steps.filter({ hasText: "networkx" }).click();
    assert.equal(await steps.count(), 1);
    await page.getByRole("button", { name: "/project/<b>.py:3" }).click();
    assert.deepEqual(
      report.asked.filter(({ type }) => type === "openPlace"),
      [{ type: "openPlace", place }],
    );
    assert.equal(await page.locator("img, b").count(), 0);
  });

  test("nothing is cut off at the width of half a window", async () => {
    await open(await measured(200, 3), { width: 480, height: 700 });
    const wide = await page.evaluate<string[]>(
      `[...document.querySelectorAll("header, .tools, main, .picture, .list, .legend, .snapshots")]
        .filter((e) => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth)
        .map((e) => e.className || e.tagName)`,
    );
    assert.deepEqual(wide, []);
  });

  test("of 10,000 assets in 20 jobs only what can be seen is in the document", async (context) => {
    await open(undefined);
    const measurement = await measured(10_000, 20);
    const first = await report.show(measurement);
    const click = (selector: string) => `document.querySelector("${selector}").click()`;
    const zoom = await report.timed(click(".box.snapshot"));
    const group = await report.timed(click(".box.group"));
    const search = await report.timed(
      "const s = document.querySelector('input'); s.value = '7'; s.dispatchEvent(new Event('input'))",
    );
    // Told and not judged: a busy machine is no mistake of the report.
    context.diagnostic(`milliseconds: ${JSON.stringify({ first, zoom, group, search })}`);
    for (const drawn of [".box", ".rows .row"]) {
      const count = await page.locator(drawn).count();
      assert.ok(count > 0 && count < 3000, `${count} of ${drawn}`);
    }
  });
});

/** The least contrast between a label and what lies below it. */
const CONTRAST = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, part, n) => {
    const c = rgb[n] / 255;
    return sum + part * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  let least = 100, of = "";
  for (const label of document.querySelectorAll(".box:not(.dim) > span, .row .text, .kind, .legend li, .summary, .used, .size")) {
    if (!label.textContent) continue;
    const behind = [];
    for (let e = label; e; e = e.parentElement) behind.unshift(getComputedStyle(e).backgroundColor);
    const style = getComputedStyle(label);
    const ground = paint(...behind);
    canvas.globalAlpha = Number(style.opacity);
    canvas.fillStyle = style.color;
    canvas.fillRect(0, 0, 1, 1);
    canvas.globalAlpha = 1;
    const [a, b] = [light(canvas.getImageData(0, 0, 1, 1).data), light(ground)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < least) { least = contrast; of = label.parentElement.className + " " + label.textContent; }
  }
  return { least, of };
})()`;
