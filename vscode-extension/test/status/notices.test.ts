import assert from "node:assert/strict";
import { test } from "node:test";
import { Notices } from "../../src/status/notices.ts";
import { status } from "../support/statuses.ts";

const over = (...ids: string[]) => status({ level: "over", over: ids });

test("what goes over budget is told once", () => {
  const notices = new Notices();
  assert.deepEqual(notices.news(status()), []);
  assert.deepEqual(notices.news(over("a")), ["a"]);
  assert.deepEqual(notices.news(over("a")), []);
  assert.deepEqual(notices.news(status()), []);
  assert.deepEqual(notices.news(over("a", "b")), ["b"]);
});

test("what was over from the start is no news", () => {
  const notices = new Notices();
  assert.deepEqual(notices.news(over("a")), []);
  assert.deepEqual(notices.news(status()), []);
  assert.deepEqual(notices.news(over("a")), []);
});

test("nothing is told before the first measurement has ended", () => {
  const notices = new Notices();
  assert.deepEqual(notices.news(status({ phase: "measuring", level: "none" })), []);
  assert.deepEqual(notices.news(status({ phase: "failed", level: "none" })), []);
  assert.deepEqual(notices.news(over("a")), []);
});

test("projects do not know of each other", () => {
  const notices = new Notices();
  notices.news(status({ folder: "/one" }));
  assert.deepEqual(notices.news({ ...over("a"), folder: "/two" }), []);
  assert.deepEqual(notices.news({ ...over("a"), folder: "/one" }), ["a"]);
});

test("sizes kept from an earlier session are no beginning of this one", () => {
  const notices = new Notices();
  assert.deepEqual(notices.news(status({ stale: true })), []);
  assert.deepEqual(notices.news(over("a")), []);
});
