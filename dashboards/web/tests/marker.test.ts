import { expect, test } from "vitest";
import { circleOf } from "../src/rules/circle";
import { gravestByDevice, lookOf, solidity } from "../src/rules/marker";
import { matches, tableOrder } from "../src/rules/table_order";
import { aDevice, anAlert } from "./examples";

test("an open alert decides the look, even when the agent moves again", () => {
  expect(lookOf(aDevice({ state: "moving" }), anAlert({ kind: "sos" }))).toBe("alarm-sos");
  expect(lookOf(aDevice({ state: "alarm" }), undefined)).toBe("alarm-stillness");
  expect(lookOf(aDevice({ on_shift: false }), undefined)).toBe("off");
});

test("of several alerts of one device the gravest counts", () => {
  const gravest = gravestByDevice([
    anAlert({ id: 1, kind: "sos", state: "closed" }),
    anAlert({ id: 2, kind: "technical" }),
    anAlert({ id: 3 }),
  ]);
  expect(gravest.get(1)?.id).toBe(3);
});

test("markers fade with age, worrying ones never", () => {
  expect(solidity(0, 60_000, "moving")).toBe(1);
  expect(solidity(0, 200_000, "moving")).toBe(0.7);
  expect(solidity(0, 400_000, "moving")).toBe(0.45);
  expect(solidity(0, 400_000, "silent")).toBe(1);
  expect(solidity(0, 400_000, "alarm-sos")).toBe(1);
});

test("the accuracy circle is closed and as wide as it says", () => {
  const [ring] = circleOf({ lon: 5, lat: 47, accuracy_m: 111.195, fixed_at: "" }).coordinates;
  expect(ring?.[0]?.[1]).toBeCloseTo(ring?.at(-1)?.[1] ?? 0);
  expect(Math.max(...(ring ?? []).map((point) => point[1] ?? 0))).toBeCloseTo(47.001, 5);
});

test("table shows alarms, then agents not heard, then the others by name", () => {
  const devices = [
    aDevice({ id: 1, label: "Zoé" }),
    aDevice({ id: 2, label: "Élodie" }),
    aDevice({ id: 3, label: "Yves", state: "silent" }),
    aDevice({ id: 4, label: "Xavier", state: "alarm" }),
  ];
  const order = tableOrder(devices, new Map([[4, anAlert({ device_id: 4 })]]), "fr-FR");
  expect(order.map((device) => device.id)).toEqual([4, 3, 2, 1]);
});

test("the filter does not mind accents or case", () => {
  expect(matches(aDevice({ label: "Élodie Simon", mission: "Nids-de-poule" }), " elodie")).toBe(true);
  expect(matches(aDevice({ label: "Élodie Simon" }), "hugo")).toBe(false);
});
