import { computed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Alert } from "../contract";
import { nowMs, onCall } from "../store";
import { nextStepText } from "../text/delivery_words";
import { words } from "../text/language";

/** What happens if nobody takes the alert. Only this text changes each second. */
export function NextStep({ alert }: { alert: Alert }) {
  const text = useMemo(() => computed(() => nextStepText(alert, nowMs.value, onCall.value, words)), [alert]);
  if (alert.state !== "triggered" || alert.next_step === null) return null;
  return <span class="next-step">{text}</span>;
}
