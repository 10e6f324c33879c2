import type { Look } from "../rules/marker";
import { HOLLOW, outlineOf } from "../shapes";

/** The map's marker inside the page: same outline, same colour, same two letters. */
export function Shape({ look, tag, van = false, done = false }: { look: Look; tag?: string; van?: boolean; done?: boolean }) {
  const hollow = HOLLOW.has(look) || done;
  return (
    <svg class={`shape look-${look}${hollow ? " hollow" : ""}`} viewBox="-1 -1 34 34" aria-hidden="true">
      <path d={outlineOf(look, van)} />
      {tag && (
        <text x="16" y={look === "alarm-technical" ? 22 : 16.5} text-anchor="middle" dominant-baseline="central">
          {tag}
        </text>
      )}
    </svg>
  );
}
