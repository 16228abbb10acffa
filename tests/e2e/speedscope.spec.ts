/** The file that `profile --format speedscope` writes, opened by speedscope itself. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "@playwright/test";

import { OUTPUT, PICTURES, REPOSITORY } from "./support/paths.ts";
import { Project } from "./support/projects.ts";

const PYTHON = path.join(REPOSITORY, ".venv/bin/python");
const SPEEDSCOPE = path.join(import.meta.dirname, "node_modules/speedscope/dist/release");
const VALIDATE = `import json, jsonschema, sys
jsonschema.validate(*(json.load(open(path, encoding="utf-8")) for path in sys.argv[1:]))`;

test("speedscope shows how long the project's lines take", async ({ page }) => {
  const project = Project.shop();
  try {
    const definitions = "shop_analytics/definitions.py";
    project.write(definitions, `import time\ntime.sleep(2.5)\n${project.read(definitions)}`);
    const file = project.path("load.json");
    const arguments_ = ["-m", "dagster_snapsize", "profile", "--format", "speedscope", "-o", file];
    execFileSync(PYTHON, arguments_, { cwd: project.folder, stdio: "pipe" });
    const schema = path.join(SPEEDSCOPE, "file-format-schema.json");
    execFileSync(PYTHON, ["-c", VALIDATE, file, schema], { stdio: "pipe" });

    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(pathToFileURL(path.join(SPEEDSCOPE, "index.html")).href);
    await page.locator("input[type=file]").first().setInputFiles(file);
    await expect(page.getByText("shop_analytics.definitions")).toBeVisible();
    if (PICTURES) await page.screenshot({ path: path.join(OUTPUT, "screenshots/speedscope.png") });
    await page.getByText("Sandwich").click();
    const line = page.getByRole("row", { name: "top-level code definitions.py:2" });
    await expect(line).toContainText(/[23]\.\d+s/);
    expect(errors).toEqual([]);
  } finally {
    project.remove();
  }
});
