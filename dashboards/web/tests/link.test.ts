import { expect, test } from "vitest";
import { readMessage } from "../src/contract";
import { backoffMs } from "../src/rules/backoff";
import { ServerClock } from "../src/rules/server_clock";
import { PATTERNS, soundFor } from "../src/sound/patterns";
import { anAlert } from "./examples";

test("waits grow from half a second to five seconds, with jitter in the upper half", () => {
  expect(backoffMs(0, 0)).toBe(250);
  expect(backoffMs(0, 1)).toBe(500);
  expect(backoffMs(3, 1)).toBe(4_000);
  expect(backoffMs(50, 1)).toBe(5_000);
});

test("the server's clock is taken from the fastest message", () => {
  const clock = new ServerClock();
  clock.observe(10_000, 9_000);
  expect(clock.observe(11_000, 10_800)).toBe(1_000);
  expect(clock.observe(Number.NaN, 0)).toBe(1_000);
});

test("a message of another kind or a broken one is left aside", () => {
  expect(readMessage("{")).toBeNull();
  expect(readMessage("null")).toBeNull();
  expect(readMessage('{"type":"weather"}')).toBeNull();
  expect(readMessage('{"type":"delta"}')).toBeNull();
  expect(readMessage('{"type":"heartbeat","server_at":"x","engine_ok":true}')?.type).toBe("heartbeat");
});

test("the gravest reason is heard", () => {
  const unreadable = anAlert({ kind: "technical" });
  expect(soundFor([unreadable, anAlert({ kind: "sos" })], true)).toBe("sos");
  expect(soundFor([unreadable], true)).toBe("lost");
  expect(soundFor([unreadable], false)).toBe("technical");
  expect(soundFor([anAlert({ kind: "infrastructure" }), unreadable], false)).toBe("lost");
  expect(soundFor([anAlert({ kind: "duress" })], false)).toBe("sos");
  expect(soundFor([], false)).toBeNull();
});

test("a broken protection sounds discreet, whatever its kind, and gives way to every other reason", () => {
  const battery = anAlert({ kind: "low_battery", vital: false });
  expect(soundFor([battery, anAlert({ kind: "signal_lost", vital: false })], false)).toBe("notice");
  expect(soundFor([battery, anAlert({ kind: "check_missed" })], false)).toBe("stillness");
  expect(PATTERNS.notice.every_s).toBeGreaterThan(PATTERNS.technical.every_s);
});
