import assert from "node:assert/strict";
import { after, test } from "node:test";
import { viewState } from "../../src/sizes/model.ts";
import { location, project, row, temporaryFolder, unmeasured } from "../support/sizesData.ts";

const { path: folder, remove } = temporaryFolder();
after(remove);

const measured = location(folder, [row("orders", 10)]);

test("sizes are shown as soon as there are some, in every phase", () => {
  for (const phase of ["idle", "measuring", "failed", "no-interpreter"] as const) {
    assert.equal(viewState([project([measured], { phase })], true), "shown");
  }
  assert.equal(viewState([project([unmeasured({ error: "no" }), measured])], true), "shown");
});

test("where there are none, the view says why", () => {
  const states = {
    measuring: project([unmeasured()], { phase: "measuring" }),
    "no-interpreter": project([unmeasured({ mistake: "no Python" })], { phase: "no-interpreter" }),
    failed: project([unmeasured({ error: "ImportError" })], { phase: "failed" }),
    "not-measured": project([unmeasured()]),
  };
  for (const [state, one] of Object.entries(states)) assert.equal(viewState([one], true), state);
});

test("a mistake in the configuration is a failure, also before the first measurement", () => {
  assert.equal(viewState([project([unmeasured({ mistake: "unknown key" })])], true), "failed");
});

test("nothing is shown where it is switched off, or where there is no project", () => {
  assert.equal(viewState([project([measured])], false), "disabled");
  assert.equal(viewState([], true), "empty");
});
