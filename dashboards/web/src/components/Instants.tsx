import { computed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { nowMs } from "../store";
import { ageText, dateTimeText, instantText, plannedText } from "../text/instants";
import { words } from "../text/language";

/** "il y a 4 min". Only this text node changes each second, nothing around it is drawn again. */
export function Age({ at }: { at: string }) {
  const text = useMemo(() => computed(() => ageText(Date.parse(at), nowMs.value, words)), [at]);
  return (
    <time class="age" dateTime={at} title={dateTimeText(Date.parse(at), words)}>
      {text}
    </time>
  );
}

/** 07:42:03, with the day when it is not today. */
export function Instant({ at }: { at: string }) {
  const text = useMemo(() => computed(() => instantText(Date.parse(at), nowMs.value, words)), [at]);
  return <time dateTime={at}>{text}</time>;
}

/** 07:42 of something planned, with the day when it is not today. */
export function Planned({ at }: { at: string }) {
  const text = useMemo(() => computed(() => plannedText(Date.parse(at), nowMs.value, words)), [at]);
  return <time dateTime={at}>{text}</time>;
}
