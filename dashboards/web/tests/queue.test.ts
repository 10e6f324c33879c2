import { expect, test } from "vitest";
import { furtherAlong, heldOrder, queueOf } from "../src/rules/queue";
import type { AlertKind } from "../src/contract";
import { anAlert } from "./examples";

const ids = (alerts: { id: number }[]) => alerts.map((alert) => alert.id);

test("queue shows unanswered first, then SOS, then the longest waiting", () => {
  const queue = queueOf([
    anAlert({ id: 1, kind: "sos", state: "acknowledged" }),
    anAlert({ id: 2, kind: "technical", episode_at: "2026-01-14T06:00:00Z" }),
    anAlert({ id: 3, episode_at: "2026-01-14T06:40:00Z" }),
    anAlert({ id: 4, episode_at: "2026-01-14T06:39:00Z" }),
    anAlert({ id: 5, kind: "sos" }),
    anAlert({ id: 6, state: "closed" }),
  ]);
  expect(ids(queue)).toEqual([5, 4, 3, 2, 1]);
});

test("who may be in danger stands before what only breaks a protection, in the order of how grave it is", () => {
  const kinds: AlertKind[] = ["long_pause", "technical", "signal_lost", "infrastructure"];
  kinds.push("check_missed", "stillness", "fall", "duress");
  const queue = queueOf(kinds.map((kind, id) => anAlert({ id, kind })));
  expect(queue.map((alert) => alert.kind)).toEqual([...kinds].reverse());
  const [first] = queueOf([anAlert({ id: 1, kind: "duress" }), anAlert({ id: 2, kind: "sos", episode_at: "2026-01-14T06:00:00Z" })]);
  expect(first?.id).toBe(2);
});

test("queue keeps an alert of a kind this page does not know", () => {
  expect(ids(queueOf([anAlert({ id: 9, kind: "fire" as never }), anAlert({ id: 1 })]))).toEqual([1, 9]);
});

test("held order adds new alerts below, when the pointer is on the queue", () => {
  const queue = queueOf([anAlert({ id: 1 }), anAlert({ id: 2, state: "acknowledged" }), anAlert({ id: 3, kind: "sos" })]);
  expect(ids(heldOrder(queue, [2, 1]))).toEqual([2, 1, 3]);
});

test("a late answer does not bring a closed alert back", () => {
  const closed = anAlert({ state: "closed" });
  expect(furtherAlong(closed, anAlert({ state: "acknowledged" }))).toBe(closed);
  expect(furtherAlong(undefined, anAlert({ id: 7 })).id).toBe(7);
});
