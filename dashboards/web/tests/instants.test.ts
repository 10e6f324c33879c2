import { nextInstant } from "../src/rules/next_instant";
import { expect, test } from "vitest";
import { en } from "../src/text/en";
import { fr } from "../src/text/fr";
import { ageText, clockText, dateTimeText, instantText, numberText, spanText } from "../src/text/instants";

const winter = Date.parse("2026-01-14T06:42:03Z");
const summer = Date.parse("2026-07-14T06:42:03Z");

test("instants are shown in Paris time, in winter and in summer", () => {
  expect(clockText(winter, fr)).toBe("07:42:03");
  expect(clockText(summer, fr)).toBe("08:42:03");
  expect(dateTimeText(winter, fr)).toBe("mer. 14/01 à 07:42");
  expect(dateTimeText(winter, en)).toBe("Wed 14/01 at 07:42");
});

test("an instant of another day shows the day", () => {
  expect(instantText(winter, winter + 60_000, fr)).toBe("07:42:03");
  expect(instantText(winter, winter + 86_400_000, fr)).toBe("mer. 14/01 à 07:42");
  expect(instantText(winter, winter + 7 * 86_400_000, fr)).toBe("mer. 14/01 à 07:42");
});

test("ages use the most telling unit", () => {
  expect(ageText(winter, winter + 1_000, fr)).toBe("à l’instant");
  expect(ageText(winter, winter - 5_000, fr)).toBe("à l’instant");
  expect(ageText(winter, winter + 25_000, fr)).toBe("il y a 25 s");
  expect(ageText(winter, winter + 4 * 60_000, fr)).toBe("il y a 4 min");
  expect(spanText(3_900, fr)).toBe("1 h 05");
  expect(spanText(3 * 86_400, fr)).toBe("3 j");
});

test("French numbers have a decimal comma", () => {
  expect(numberText(6.5, 1, fr)).toBe("6,5");
  expect(numberText(6.5, 1, en)).toBe("6.5");
});

test("a time of day is the next that a clock in Paris shows", () => {
  const at = (clock: string, now: string) => new Date(nextInstant(clock, Date.parse(now)) ?? NaN).toISOString();
  expect(at("17:30", "2026-01-14T07:42:03Z")).toBe("2026-01-14T16:30:00.000Z");
  expect(at("17:30", "2026-01-14T16:30:00Z")).toBe("2026-01-15T16:30:00.000Z");
  expect(at("06:00", "2026-03-28T23:30:00Z")).toBe("2026-03-29T04:00:00.000Z");
  expect(at("02:30", "2026-03-28T23:30:00Z")).toBe("2026-03-30T00:30:00.000Z");
  expect(nextInstant("25:00", 0)).toBeNull();
});
