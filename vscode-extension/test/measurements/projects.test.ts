import assert from "node:assert/strict";
import { test } from "node:test";
import { isWithin, projectOf, worst } from "../../src/measurements/projects.ts";
import { project } from "../support/statuses.ts";

test("a file belongs to the innermost project around it", () => {
  const projects = ["/work", "/work/shop", "/work/shopping"].map((folder) => project({ folder }));
  assert.equal(projectOf("/work/shop/assets.py", projects)?.folder, "/work/shop");
  assert.equal(projectOf("/work/shopping/assets.py", projects)?.folder, "/work/shopping");
  assert.equal(projectOf("/work/readme.md", projects)?.folder, "/work");
  assert.equal(projectOf("/elsewhere/assets.py", projects), undefined);
});

test("names that begin with two dots are no way out", () => {
  assert.equal(isWithin("/work", "/work/..data/a.py"), true);
  assert.equal(isWithin("/work/shop", "/work/other"), false);
  assert.equal(isWithin("/work", "/work"), true);
});

test("the worst project comes first, else the one nearest to a budget", () => {
  const fine = project({ folder: "/a" });
  const near = project({ folder: "/b", level: "near" });
  const failed = project({ folder: "/c", phase: "failed" });
  assert.equal(worst([fine, near, failed])?.folder, "/c");
  assert.equal(worst([fine, near])?.folder, "/b");
  assert.equal(worst([fine, project({ folder: "/d" })])?.folder, "/a");
  const nearest = { location: "shop", snapshot: "shop", usedBytes: 7, budgetBytes: 10 };
  assert.equal(worst([fine, project({ folder: "/d", nearest })])?.folder, "/d");
  assert.equal(worst([]), undefined);
});
