import assert from "node:assert/strict";
import { test } from "node:test";
import { Restarts } from "../../src/server/restarts.ts";

const MINUTE = 60_000;

test("each start waits longer than the one before, and the fifth end in three minutes is the last", () => {
  const restarts = new Restarts();
  const waits = [0, 1, 2, 3].map((second) => restarts.ended(second * 1000));
  assert.deepEqual(
    waits,
    [1000, 2000, 4000, 8000].map((afterMilliseconds) => ({ restart: true, afterMilliseconds })),
  );
  assert.deepEqual(restarts.ended(4000), { restart: false });
});

test("ends that are more than three minutes old do not count", () => {
  const restarts = new Restarts();
  for (let minute = 0; minute < 20; minute++) {
    assert.equal(restarts.ended(minute * MINUTE).restart, true);
  }
});

test("a start that someone asked for counts from zero", () => {
  const restarts = new Restarts();
  for (let end = 0; end < 5; end++) restarts.ended(end);
  restarts.forget();
  assert.deepEqual(restarts.ended(5), { restart: true, afterMilliseconds: 1000 });
});
