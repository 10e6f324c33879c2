import { expect, test } from "vitest";
import type { DutyRole, NextStep } from "../src/contract";
import { isUndelivered, undeliveredOf } from "../src/rules/delivery";
import { parisInstant, parisLocal } from "../src/rules/paris";
import { nextStepText, providerText, unreachedText, whyText } from "../src/text/delivery_words";
import { en } from "../src/text/en";
import { fr } from "../src/text/fr";
import { aMessage, anAlert, AT } from "./examples";

const NOW = Date.parse(AT);

function aStep(change: Partial<NextStep>): NextStep {
  return { at: "2026-01-14T06:42:48Z", channel: "sms", to: "rank 1", contact: "Anne Petit", days: null, between: null, ...change };
}

const nextText = (change: Partial<NextStep>, roles: DutyRole[] | null = null) =>
  nextStepText(anAlert({ next_step: aStep(change) }), NOW, roles, fr);

test("a message told nobody when it failed, or is on its way for minutes", () => {
  const late = NOW + 121_000;
  expect(isUndelivered(aMessage({ state: "failed" }), NOW)).toBe(true);
  expect((["pending", "sending", "ambiguous"] as const).map((state) => isUndelivered(aMessage({ state }), NOW))).toEqual([false, false, false]);
  expect((["pending", "sending", "ambiguous"] as const).map((state) => isUndelivered(aMessage({ state }), late))).toEqual([true, true, true]);
  expect((["sent", "cancelled"] as const).map((state) => isUndelivered(aMessage({ state }), late))).toEqual([false, false]);
  expect(isUndelivered(aMessage({ state: "pending", channel: "console" }), late)).toBe(false);
});

test("steps that told nobody count, and what is closed does not", () => {
  const unreached = [{ at: AT, step: 2, channel: "sms", to: "duty astreinte" }];
  const alert = anAlert({ unreached, notifications: [aMessage({ state: "failed" }), aMessage({ id: 2 })] });
  expect(undeliveredOf(alert, NOW)).toBe(2);
  expect(undeliveredOf({ ...alert, state: "closed" }, NOW)).toBe(0);
});

test("why a message did not arrive is plain where the code is known", () => {
  expect(whyText(aMessage({ error_code: "30003" }), fr)).toBe("téléphone éteint ou hors réseau");
  expect(whyText(aMessage({ error_code: "30008" }), fr)).toBe("code 30008");
  expect(whyText(aMessage({ http_status: 404 }), fr)).toBe("code HTTP 404");
  expect(whyText(aMessage({ http_status: 201 }), fr)).toBeNull();
  expect(providerText(aMessage({ provider_status: "undelivered" }), fr)).toBe("non remis");
  expect(providerText(aMessage({ provider_status: "eaten" }), fr)).toBe("eaten");
  expect(Object.keys(en.errorCode)).toEqual(Object.keys(fr.errorCode));
  expect(Object.keys(en.providerWord)).toEqual(Object.keys(fr.providerWord));
});

test("a step that told nobody says why", () => {
  const step = { at: AT, step: 2, channel: "webhook", to: "target cta" };
  expect(unreachedText(step, fr)).toBe("Étape 2 : PERSONNE à prévenir,");
  expect(unreachedText({ ...step, why: "no_channel" }, fr)).toBe("Étape 2 : AUCUN serveur n’a ce canal, rien n’est parti,");
  expect(unreachedText({ ...step, why: "no_target" }, fr)).toBe("Étape 2 : AUCUN serveur ne connaît ce destinataire,");
});

test("the next step says when, by which way and to whom", () => {
  expect(nextText({})).toBe("Prochaine étape dans 45 s\u00a0: SMS à Anne Petit");
  expect(nextText({ at: AT, channel: "console", to: "console", contact: null })).toBe("Prochaine étape maintenant\u00a0: Console");
  expect(nextText({ to: "rank 7", contact: null })).toBe("Prochaine étape dans 45 s\u00a0: SMS à PERSONNE (rang 7)");
  expect(nextText({ to: "person Jean de La Tour" })).toContain("SMS à Jean de La Tour");
  expect(nextText({ days: "lun-ven", between: "18:00-07:30" })).toContain("Anne Petit (seulement lun-ven 18:00-07:30)");
  expect(nextStepText(anAlert({ state: "acknowledged", next_step: aStep({}) }), NOW, null, fr)).toBeNull();
});

test("who is called by a role is who is on call now", () => {
  const entry = { id: 1, role: "astreinte", contact: "Paul Roy", from: AT, until: AT, by_hand: true };
  const role = { name: "astreinte", called: true, now: [entry], next: null, unreached: [] };
  expect(nextText({ to: "duty astreinte" }, [role])).toContain("SMS à Paul Roy");
  expect(nextText({ to: "duty astreinte" }, [{ ...role, now: [] }])).toContain("SMS à PERSONNE (astreinte)");
  expect(nextText({ to: "duty astreinte" })).toContain("SMS à astreinte");
});

test("a time in Paris is one instant, in summer, in winter and at the change", () => {
  expect(parisInstant("2026-01-14T18:00")).toBe(Date.parse("2026-01-14T17:00Z"));
  expect(parisInstant("2026-07-14T18:00")).toBe(Date.parse("2026-07-14T16:00Z"));
  expect(parisInstant("2026-10-25T02:30")).toBe(Date.parse("2026-10-25T00:30Z"));
  expect(parisInstant("2026-03-29T02:30")).toBeNull();
  expect(parisInstant("")).toBeNull();
  expect(parisLocal(Date.parse("2026-01-14T17:00Z"))).toBe("2026-01-14T18:00");
});
