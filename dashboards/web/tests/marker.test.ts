import { expect, test } from "vitest";
import { circleOf } from "../src/rules/circle";
import { gravestByDevice, isBare, LOOKS, lookOf, solidity } from "../src/rules/marker";
import { countLevels, countUnheard, unprotected } from "../src/rules/protection";
import { matches, tableOrder } from "../src/rules/table_order";
import { fillOf, SHAPES } from "../src/shapes";
import { aDevice, anAlert, bare } from "./examples";

test("an open alert decides the look, even when the agent moves again", () => {
  expect(lookOf(aDevice({ state: "moving" }), anAlert({ kind: "sos" }))).toBe("alarm-sos");
  expect(lookOf(aDevice({ state: "alarm" }), undefined)).toBe("alarm-stillness");
  expect(lookOf(aDevice({ on_shift: false }), undefined)).toBe("off");
});

test("a pre-alarm is not hidden behind a broken protection, nor an alarm behind a pre-alarm", () => {
  const asked = aDevice({ state: "prealarm", prealarm: { since: "2026-01-14T06:44:33Z" } });
  expect(lookOf(asked, anAlert({ kind: "low_battery", vital: false }))).toBe("prealarm");
  expect(lookOf(asked, anAlert({ kind: "duress" }))).toBe("alarm-sos");
  expect(lookOf(aDevice({}), anAlert({ kind: "signal_lost", vital: false }))).toBe("alarm-technical");
});

test("no two looks share a shape, but the disc that is filled when something is known", () => {
  const shapes = LOOKS.filter((look) => look !== "off" && look !== "unknown").map((look) => SHAPES[look]);
  expect(new Set(shapes).size).toBe(shapes.length);
});

test("who is not protected is drawn as a broken line, unless an alarm says more", () => {
  const silent = aDevice({ state: "silent", ...bare("silent") });
  expect(isBare(silent)).toBe(true);
  expect(fillOf("silent", { done: false, bare: true })).toBe("dashed");
  expect(fillOf("moving", { done: false, bare: false })).toBe("solid");
  expect(fillOf("unknown", { done: false, bare: false })).toBe("hollow");
  expect(fillOf("alarm-sos", { done: false, bare: true })).toBe("solid");
  expect(fillOf("alarm-sos", { done: true, bare: true })).toBe("hollow");
  expect(fillOf("prealarm", { done: false, bare: true })).toBe("solid");
});

test("of several alerts of one device the gravest counts", () => {
  const gravest = gravestByDevice([
    anAlert({ id: 1, kind: "sos", state: "closed" }),
    anAlert({ id: 2, kind: "technical" }),
    anAlert({ id: 3 }),
  ]);
  expect(gravest.get(1)?.id).toBe(3);
});

test("an SOS that somebody has taken is graver than a low battery that nobody has", () => {
  const taken = anAlert({ id: 1, kind: "sos", state: "acknowledged" });
  const battery = anAlert({ id: 2, kind: "low_battery", vital: false });
  expect(gravestByDevice([battery, taken]).get(1)?.id).toBe(1);
});

test("an alert of everybody is no device's", () => {
  expect(gravestByDevice([anAlert({ kind: "infrastructure", device_id: null })]).size).toBe(0);
});

test("markers fade with age, worrying ones never", () => {
  expect(solidity(0, 60_000, "moving", false)).toBe(1);
  expect(solidity(0, 200_000, "moving", false)).toBe(0.7);
  expect(solidity(0, 400_000, "moving", false)).toBe(0.45);
  expect(solidity(0, 400_000, "moving", true)).toBe(1);
  for (const look of ["silent", "alarm-sos", "prealarm", "paused"] as const) expect(solidity(0, 400_000, look, false)).toBe(1);
});

test("the accuracy circle is closed and as wide as it says", () => {
  const [ring] = circleOf({ lon: 5, lat: 47, accuracy_m: 111.195, fixed_at: "" }).coordinates;
  expect(ring?.[0]?.[1]).toBeCloseTo(ring?.at(-1)?.[1] ?? 0);
  expect(Math.max(...(ring ?? []).map((point) => point[1] ?? 0))).toBeCloseTo(47.001, 5);
});

test("table shows alarms, pre-alarms, other alerts, then the less protected first, then by name", () => {
  const devices = [
    aDevice({ id: 1, label: "Zoé" }),
    aDevice({ id: 2, label: "Élodie" }),
    aDevice({ id: 3, label: "Yves", state: "silent", ...bare("silent") }),
    aDevice({ id: 4, label: "Xavier", state: "alarm" }),
    aDevice({ id: 5, label: "Walid", protection: { level: "degraded", reasons: ["low_battery"], since: null } }),
    aDevice({ id: 6, label: "Victor", prealarm: { since: "2026-01-14T06:44:33Z" } }),
    aDevice({ id: 7, label: "Ursule", on_shift: false, protection: { level: "off_duty", reasons: [], since: null } }),
    aDevice({ id: 8, label: "Théo" }),
  ];
  const gravest = new Map([
    [4, anAlert({ device_id: 4 })],
    [8, anAlert({ device_id: 8, kind: "low_battery", vital: false })],
  ]);
  expect(tableOrder(devices, gravest, "fr-FR").map((device) => device.id)).toEqual([4, 6, 8, 3, 5, 2, 1, 7]);
});

test("the unprotected are counted and listed, the longest without protection first", () => {
  const devices = [
    aDevice({ id: 1, ...bare("silent", "2026-01-14T06:44:00Z") }),
    aDevice({ id: 2 }),
    aDevice({ id: 3, ...bare("paused", "2026-01-14T06:40:00Z") }),
    aDevice({ id: 4, protection: { level: "degraded", reasons: ["no_position"], since: null } }),
    aDevice({ id: 5, kind: "van", on_shift: false, protection: { level: "off_duty", reasons: [], since: null } }),
  ];
  expect(countLevels(devices)).toEqual({ protected: 1, degraded: 1, not_protected: 2 });
  expect(unprotected(devices, "fr-FR").map((device) => device.id)).toEqual([3, 1]);
  expect(countUnheard(devices)).toBe(0);
  expect(countUnheard([aDevice({ ...bare("not_heard") }), aDevice({ id: 2 })])).toBe(1);
});

test("the filter does not mind accents or case", () => {
  expect(matches(aDevice({ label: "Élodie Simon", mission: "Nids-de-poule" }), " elodie")).toBe(true);
  expect(matches(aDevice({ label: "Élodie Simon" }), "hugo")).toBe(false);
});
