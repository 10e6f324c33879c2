import { expect, test } from "vitest";
import { episodeLabel, headline, remarks } from "../src/text/alert_words";
import { en } from "../src/text/en";
import { fr } from "../src/text/fr";
import { distanceText } from "../src/text/instants";
import { LEVEL_MARKS, reasonsText } from "../src/text/protection_words";
import { aMessage, anAlert, AT } from "./examples";

test("stillness says whether the agent is heard, and whether the watch could ask", () => {
  const alert = anAlert({ heard_after_episode: true, detail: { prealarm: "not_delivered" } });
  expect(headline(alert, fr)).toBe("IMMOBILE");
  expect(remarks(alert, fr)).toEqual([fr.heardYes, fr.prealarmWas.not_delivered]);
  expect(headline({ ...alert, heard_after_episode: false }, fr)).toBe("SANS NOUVELLES");
});

test("each alert names the instant it counts from", () => {
  expect(episodeLabel(anAlert({ kind: "duress" }), fr)).toBe("Appui SOS");
  expect(episodeLabel(anAlert({ kind: "check_missed" }), fr)).toBe("Dernière réponse");
  expect(episodeLabel(anAlert({ kind: "van_hazard" }), fr)).toBe("Sirène du fourgon");
  expect(episodeLabel(anAlert({ kind: "signal_lost" }), fr)).toBe("Depuis");
});

test("what else is known is said", () => {
  expect(remarks(anAlert({ kind: "device_alarm", detail: { alarm: "tamper" } }), fr)).toEqual([
    "Alarme annoncée par la montre : tamper",
  ]);
  expect(remarks(anAlert({ kind: "van_hazard", detail: { range_m: 82, beside: 2 } }), fr)).toEqual([
    "Véhicule à 82 m du fourgon.",
    "2 agents peut-être à proximité.",
  ]);
  expect(remarks(anAlert({ kind: "infrastructure", detail: { agents: 12 } }), fr)).toEqual(["12 agents étaient en service."]);
});

test("colleagues who go are named with their distance; the others are not", () => {
  const notifications = [
    aMessage({ channel: "watch", contact: "Zoé Martin", distance_m: 400, answered_at: AT, answer: "Oui" }),
    aMessage({ channel: "watch", contact: "Luc Petit", distance_m: 2140, answered_at: AT, answer: "Non" }),
    aMessage({ channel: "watch", contact: "Ali Roy", distance_m: 2600 }),
  ];
  expect(remarks(anAlert({ notifications }), fr)).toEqual(["Zoé Martin y va (à 400\u00a0m)."]);
  expect(distanceText(2140, fr)).toBe("2,1\u00a0km");
  expect(distanceText(996, fr)).toBe("1,0\u00a0km");
});

test("reasons are words; one this page does not know is shown as it came", () => {
  expect(reasonsText(["silent", "low_battery"], fr)).toBe("montre silencieuse, batterie faible");
  expect(reasonsText(["eaten"], fr)).toBe("eaten");
});

test("no two levels share a mark, and both languages know the same kinds and reasons", () => {
  expect(new Set(Object.values(LEVEL_MARKS)).size).toBe(4);
  expect(Object.keys(en.reason)).toEqual(Object.keys(fr.reason));
  expect(Object.keys(en.profileNames)).toEqual(Object.keys(fr.profileNames));
});

test("who has moved since is no longer said not to move", () => {
  const news = { kind: "moved_in_alarm", times: 1, first_at: "2026-01-14T06:44:33Z", last_at: "2026-01-14T06:44:33Z" } as const;
  expect(remarks(anAlert({ heard_after_episode: true, history: [news] }), fr)).toEqual([]);
});
