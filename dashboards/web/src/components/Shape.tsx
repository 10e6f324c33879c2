import type { Look } from "../rules/marker";
import { fillOf, outlineOf, tagHeight } from "../shapes";

interface Marker {
  look: Look;
  tag?: string;
  van?: boolean;
  /** Somebody has taken the alarm. */
  done?: boolean;
  /** Its wearer is not protected. */
  bare?: boolean;
}

/** The map's marker inside the page: same outline, same colour, same two letters. */
export function Shape({ look, tag, van = false, done = false, bare = false }: Marker) {
  return (
    <svg class={`shape look-${look} ${fillOf(look, { done, bare })}`} viewBox="-1 -1 34 34" aria-hidden="true">
      <path d={outlineOf(look, van)} />
      {tag && (
        <text x="16" y={tagHeight(look, van)} text-anchor="middle" dominant-baseline="central">
          {tag}
        </text>
      )}
    </svg>
  );
}
