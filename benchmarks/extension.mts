/**
 * How long the extension keeps VS Code busy when it is activated, and how soon one sees sizes.
 *
 * Opens the bundled example in new windows of a real VS Code, and reads what VS Code itself measured
 * in the extension host ("Developer: Show Running Extensions"): loading the code, and its activation.
 * Run by `make benchmark-extension`; fails above the budget.
 */
import { launch } from "../tests/e2e/support/browser.ts";
import { CodeServer } from "../tests/e2e/support/code-server.ts";
import { packagedExtension } from "../tests/e2e/support/paths.ts";
import { Project } from "../tests/e2e/support/projects.ts";
import { Window } from "../tests/e2e/support/window.ts";

const WINDOWS = 10;
const BUDGET_MILLISECONDS = 200;

const activations: number[] = [];
const untilSizes: number[] = [];
const vscode = await CodeServer.start({ extensions: [packagedExtension()] });
const browser = await launch();
try {
  for (let n = 0; n < WINDOWS; n++) {
    const project = Project.shop(); // another folder each time: nothing is known of it
    const window = new Window(await browser.newPage());
    await window.open(vscode.address(project.folder));
    await window.status.waitFor();
    const active = performance.now();
    await window.status.filter({ hasText: "%" }).waitFor();
    untilSizes.push(performance.now() - active);
    activations.push(await activation(window));
    await window.page.close({ runBeforeUnload: true });
    project.remove();
  }
} finally {
  await browser.close();
  await vscode.stop();
}

report("activation", activations);
report("from then to the first sizes", untilSizes);
const slowest = Math.max(...activations);
if (slowest > BUDGET_MILLISECONDS) {
  console.log(
    `the slowest activation took more than ${BUDGET_MILLISECONDS} ms`,
  );
  process.exitCode = 1;
}

async function activation(window: Window): Promise<number> {
  await window.command("Developer: Show Running Extensions");
  const row = window.page.locator(".runtime-extensions-editor .extension", {
    hasText: "Snapsize",
  });
  const text = await row.locator(".activation-time").innerText();
  const milliseconds = /(\d+)\s*ms/.exec(text)?.[1];
  if (milliseconds === undefined)
    throw new Error(`no time in ${JSON.stringify(text)}`);
  return Number(milliseconds);
}

function report(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b).map(Math.round);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(
    `${what}: median ${median} ms, ${sorted[0]} to ${sorted.at(-1)} ms, ${WINDOWS} windows`,
  );
}
