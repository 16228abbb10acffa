import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "../../src/bugReport/redact.ts";

for (const [line, published] of [
  ["password=hunter2 next", "password=<hidden> next"],
  ['"DB_PASSWORD": "a b"', '"DB_PASSWORD": <hidden>'],
  ["AWS_SECRET_ACCESS_KEY=abc/def+1", "AWS_SECRET_ACCESS_KEY=<hidden>"],
  ["api_key: 'k-1'", "api_key: <hidden>"],
  ["Authorization: Bearer abc.def", "Authorization: <hidden>"],
  ["postgresql://me:pw@db/shop", "postgresql://<hidden>@db/shop"],
  ["/home/me/shop/.venv/bin/python", "~/shop/.venv/bin/python"],
  ["INFO measured 12 assets", "INFO measured 12 assets"],
] as const) {
  test(line, () => {
    assert.equal(redact(line, "/home/me"), published);
  });
}
