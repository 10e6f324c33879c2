import type { Words } from "./fr";

/** All instants are shown in the time of the department, whatever the computer's own zone says. */
const ZONE = "Europe/Paris";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(words: Words, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = words.locale + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(words.locale, { timeZone: ZONE, ...options });
    formats.set(key, made);
  }
  return made;
}

/** 07:42:03 */
export function clockText(ms: number, words: Words): string {
  return format(words, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms);
}

/** 07:42 */
export function shortTimeText(ms: number, words: Words): string {
  return format(words, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);
}

/** mer. 14/01 */
export function dayText(ms: number, words: Words): string {
  const parts = format(words, { weekday: "short", day: "2-digit", month: "2-digit" }).formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("weekday")} ${part("day")}/${part("month")}`;
}

/** mer. 14/01 à 07:42 */
export function dateTimeText(ms: number, words: Words): string {
  return words.dateTime(dayText(ms, words), shortTimeText(ms, words));
}

/** The time alone when it is today in Paris, else the day with it: 02:58 of yesterday must not pass for today. */
export function instantText(ms: number, nowMs: number, words: Words): string {
  return isSameDay(ms, nowMs, words) ? clockText(ms, words) : dateTimeText(ms, words);
}

/** The same without seconds, for what somebody has planned. */
export function plannedText(ms: number, nowMs: number, words: Words): string {
  return isSameDay(ms, nowMs, words) ? shortTimeText(ms, words) : dateTimeText(ms, words);
}

function isSameDay(ms: number, nowMs: number, words: Words): boolean {
  return dayText(ms, words) === dayText(nowMs, words) && Math.abs(nowMs - ms) < 36 * 3_600_000;
}

/** A span of time in its two most telling units: 25 s, 4 min, 1 h 05, 3 j. */
export function spanText(span_s: number, words: Words): string {
  const whole_s = Math.max(0, Math.floor(span_s));
  if (whole_s < 60) return words.seconds(whole_s);
  const whole_min = Math.floor(whole_s / 60);
  if (whole_min < 60) return words.minutes(whole_min);
  const whole_h = Math.floor(whole_min / 60);
  if (whole_h < 48) return words.hours(whole_h, String(whole_min % 60).padStart(2, "0"));
  return words.days(Math.floor(whole_h / 24));
}

/** "il y a 4 min"; an instant slightly in the future (two clocks) counts as now. */
export function ageText(atMs: number, nowMs: number, words: Words): string {
  const age_s = (nowMs - atMs) / 1000;
  return age_s < 3 ? words.now : words.ago(spanText(age_s, words));
}

/** 400 m, 2,1 km. */
export function distanceText(distance_m: number, words: Words): string {
  return distance_m < 995
    ? `${numberText(Math.round(distance_m / 10) * 10, 0, words)}\u00a0m`
    : `${numberText(distance_m / 1000, 1, words)}\u00a0km`;
}

/** 12,4 with the language's own decimal mark. */
export function numberText(value: number, digits: number, words: Words): string {
  return value.toLocaleString(words.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
