import { expect, test } from "vitest";
import { readMessage } from "../src/contract";
import { backoffMs } from "../src/rules/backoff";
import { ServerClock } from "../src/rules/server_clock";
import { soundFor } from "../src/sound/patterns";

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
  expect(soundFor(["technical", "sos"], true)).toBe("sos");
  expect(soundFor(["technical"], true)).toBe("lost");
  expect(soundFor([], false)).toBeNull();
});
