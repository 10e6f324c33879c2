import type { Alert } from "../contract";
import type { Look } from "../rules/marker";
import { headline } from "../text/alert_words";
import type { Words } from "../text/fr";
import { words } from "../text/language";
import { Shape } from "./Shape";

export function lookWord(look: Look, all: Words): string {
  switch (look) {
    case "alarm-sos":
      return all.kind.sos;
    case "alarm-stillness":
      return all.kind.stillness;
    case "alarm-technical":
      return all.kind.technical;
    case "off":
      return all.off;
    default:
      return all.state[look];
  }
}

/** What an agent's look says in a word; an alarm says which it is. */
export function stateWord(look: Look, alert: Alert | undefined, all: Words): string {
  return alert && look.startsWith("alarm") ? headline(alert, all) : lookWord(look, all);
}

const SHOWN: readonly Look[] = [
  "alarm-sos",
  "alarm-stillness",
  "prealarm",
  "alarm-technical",
  "moving",
  "still",
  "paused",
  "silent",
  "unknown",
  "off",
];

/** Who is not heard, or has a break, is always drawn as not protected. */
const NEVER_PROTECTED: ReadonlySet<Look> = new Set<Look>(["paused", "silent"]);

export function Legend() {
  return (
    <ul class="legend">
      {SHOWN.map((look) => (
        <li key={look}>
          <Shape look={look} bare={NEVER_PROTECTED.has(look)} /> {lookWord(look, words)}
        </li>
      ))}
      <li>
        <Shape look="moving" van /> {words.van}
      </li>
      <li>
        <Shape look="moving" bare /> {words.level.not_protected}
      </li>
    </ul>
  );
}
