import { expect, test } from "vitest";
import type { Command } from "../src/contract";
import { commandsOf, isDiscreet, isReply, withCommands } from "../src/rules/commands";
import { en } from "../src/text/en";
import { fr } from "../src/text/fr";
import { aCommand, anAlert } from "./examples";

const none = new Map<number, Command>();

test("an answer that was overtaken by the socket changes nothing", () => {
  const known = withCommands(none, [aCommand({ state: "delivered" })]);
  expect(withCommands(known, [aCommand({ state: "pending" })]).get(1)?.state).toBe("delivered");
  expect(withCommands(known, [aCommand({ state: "answered" })]).get(1)?.state).toBe("answered");
});

test("what was given up may still have arrived", () => {
  const known = withCommands(none, [aCommand({ state: "expired" })]);
  expect(withCommands(known, [aCommand({ state: "delivered" })]).get(1)?.state).toBe("delivered");
});

test("a page that stays open for weeks keeps the newest", () => {
  const many = Array.from({ length: 700 }, (_, index) => aCommand({ id: index + 1 }));
  const kept = withCommands(withCommands(none, many.slice(0, 400)), many.slice(400));
  expect(kept.size).toBe(500);
  expect(Math.min(...kept.keys())).toBe(201);
});

test("a watch's own commands are listed, newest first, without the ends of pre-alarms", () => {
  const known = [
    aCommand({ id: 1 }),
    aCommand({ id: 3, kind: "prealarm" }),
    aCommand({ id: 4, kind: "prealarm_cancel" }),
    aCommand({ id: 5, device_id: 2 }),
    aCommand({ id: 2 }),
  ];
  expect(commandsOf(1, known, 2).map((one) => one.id)).toEqual([3, 2]);
});

test("only what a person asked is a reply", () => {
  expect(isReply(aCommand({ state: "answered", answer: "Oui" }))).toBe(true);
  expect(isReply(aCommand({ state: "delivered" }))).toBe(false);
  expect(isReply(aCommand({ state: "answered", kind: "prealarm", by: null }))).toBe(false);
});

test("what was never sent and what never arrived are told apart, in both languages", () => {
  const at = "2026-01-14T06:42:03Z";
  for (const words of [fr, en]) {
    const never = words.commandState(aCommand({ state: "expired" }));
    expect(words.commandState(aCommand({ state: "expired", sent_at: at }))).not.toBe(never);
    expect(words.commandState(aCommand({ state: "answered", answer: "Non" }))).toContain("Non");
  }
});

test("nothing may ring while a discreet SOS of that watch is open, taken or not", () => {
  const duress = anAlert({ kind: "duress", device_id: 1 });
  expect(isDiscreet(1, [duress])).toBe(true);
  expect(isDiscreet(1, [{ ...duress, state: "acknowledged" }])).toBe(true);
  expect(isDiscreet(1, [{ ...duress, state: "closed" }])).toBe(false);
  expect(isDiscreet(2, [duress, anAlert({ kind: "sos", device_id: 2 })])).toBe(false);
});
