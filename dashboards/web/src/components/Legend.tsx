import type { Look } from "../rules/marker";
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

const SHOWN: readonly Look[] = ["alarm-sos", "alarm-stillness", "alarm-technical", "moving", "still", "silent", "unknown", "paused", "off"];

export function Legend() {
  return (
    <ul class="legend">
      {SHOWN.map((look) => (
        <li key={look}>
          <Shape look={look} /> {lookWord(look, words)}
        </li>
      ))}
      <li>
        <Shape look="moving" van /> {words.van}
      </li>
    </ul>
  );
}
