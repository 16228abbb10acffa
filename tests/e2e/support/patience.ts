/** How long to wait: milliseconds of a quiet machine, scaled by how slow this one is. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, type Locator } from "@playwright/test";

import { REPOSITORY } from "./paths.ts";

// Measured once, as for the tests in Python; workers inherit it.
const SLOWNESS = Number((process.env.SNAPSIZE_SLOWNESS ??= measure()));

/** So many milliseconds of a quiet machine, in milliseconds of this one. */
export function patience(milliseconds: number): number {
  return Math.round(milliseconds * SLOWNESS);
}

/** For one attempt at something that is tried again: short, as it may have been missed. */
export const ATTEMPT = { timeout: patience(4_000) };

/** Go into a box of a treemap with the keyboard, which shows what is inside. */
export async function enter(box: Locator, inside: Locator): Promise<void> {
  await expect(async () => {
    if (!(await inside.isVisible())) await box.press("Enter", ATTEMPT);
    await expect(inside).toBeVisible(ATTEMPT);
  }).toPass();
}

function measure(): string {
  return execFileSync(
    path.join(REPOSITORY, ".venv/bin/python"),
    ["-c", "from support.patience import patience; print(patience(1))"],
    { cwd: path.join(REPOSITORY, "tests"), encoding: "utf8" },
  );
}
