import { expect, test } from "vitest";
import { furtherAlong, heldOrder, needsReached, queueOf, sameIncident } from "../src/rules/queue";
import { anAlert } from "./examples";

const ids = (alerts: { id: number }[]) => alerts.map((alert) => alert.id);

test("queue shows unanswered first, then SOS, then the longest waiting", () => {
  const queue = queueOf([
    anAlert({ id: 1, kind: "sos", priority: 1, state: "acknowledged" }),
    anAlert({ id: 2, kind: "technical", priority: 7, episode_at: "2026-01-14T06:00:00Z" }),
    anAlert({ id: 3, episode_at: "2026-01-14T06:40:00Z" }),
    anAlert({ id: 4, episode_at: "2026-01-14T06:39:00Z" }),
    anAlert({ id: 5, kind: "sos", priority: 1 }),
    anAlert({ id: 6, state: "closed" }),
  ]);
  expect(ids(queue)).toEqual([5, 4, 3, 2, 1]);
});

test("the order of how grave it is comes from the server, and who has waited longest stands first of the same", () => {
  const queue = queueOf([8, 7, 5, 4, 6, 3, 2, 1].map((priority) => anAlert({ id: priority, priority })));
  expect(ids(queue)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const [first] = queueOf([anAlert({ id: 1 }), anAlert({ id: 2, episode_at: "2026-01-14T06:00:00Z" })]);
  expect(first?.id).toBe(2);
});

test("a life at stake is closed only when its wearer was reached", () => {
  expect((["sos", "duress", "fall", "stillness"] as const).every((kind) => needsReached(anAlert({ kind })))).toBe(true);
  expect((["check_missed", "low_battery", "technical"] as const).some((kind) => needsReached(anAlert({ kind })))).toBe(false);
});

test("an incident shows its other alerts, closed ones too, and none of another", () => {
  const alerts = [anAlert({ id: 9, incident: 2 }), anAlert({ id: 2, incident: 2, state: "closed" }), anAlert({ id: 3, incident: 3 })];
  expect(ids(sameIncident(anAlert({ id: 5, incident: 2 }), alerts))).toEqual([2, 9]);
});

test("queue keeps an alert of a kind this page does not know", () => {
  expect(ids(queueOf([anAlert({ id: 9, kind: "fire" as never, priority: 7 }), anAlert({ id: 1 })]))).toEqual([1, 9]);
});

test("held order adds new alerts below, when the pointer is on the queue", () => {
  const queue = queueOf([anAlert({ id: 1 }), anAlert({ id: 2, state: "acknowledged" }), anAlert({ id: 3, kind: "sos", priority: 1 })]);
  expect(ids(heldOrder(queue, [2, 1]))).toEqual([2, 1, 3]);
});

test("a late answer does not bring a closed alert back", () => {
  const closed = anAlert({ state: "closed" });
  expect(furtherAlong(closed, anAlert({ state: "acknowledged" }))).toBe(closed);
  expect(furtherAlong(undefined, anAlert({ id: 7 })).id).toBe(7);
});

test("an answer never hides what the socket brought of the same alert meanwhile", () => {
  const brought = anAlert({ state: "acknowledged", lapses_at: "2026-01-14T07:00:00Z" });
  expect(furtherAlong(brought, anAlert({ state: "acknowledged" }))).toBe(brought);
});
