import type { Alert, DutyRole, NextStep, Notification, UnreachedStep } from "../contract";
import { spanText } from "./instants";
import type { Words } from "./fr";

/** Why a message did not arrive, in plain words where the code is known. */
export function whyText(one: Notification, words: Words): string | null {
  if (one.error_code !== null) return words.errorCode[one.error_code] ?? words.otherCode(one.error_code);
  if (one.http_status !== null && one.http_status >= 400) return words.otherCode(`HTTP ${one.http_status}`);
  return null;
}

/** The last word of whoever carries it. */
export function providerText(one: Notification, words: Words): string | null {
  return one.provider_status === null ? null : (words.providerWord[one.provider_status] ?? one.provider_status);
}

/** Which step told nobody, and why. */
export function unreachedText(step: UnreachedStep, words: Words): string {
  return words.stepToldNobody(step.step, words.unreachedWhy[step.why ?? "nobody"]);
}

/** "Prochaine étape dans 45 s : SMS à Anne Petit"; null when there is none. */
export function nextStepText(alert: Alert, nowMs: number, roles: readonly DutyRole[] | null, words: Words): string | null {
  const step = alert.next_step;
  if (alert.state !== "triggered" || step === null) return null;
  const span_s = (Date.parse(step.at) - nowMs) / 1000;
  const when = span_s < 1 ? words.nextStepNow : words.nextStepIn(spanText(span_s, words));
  const hours = [step.days, step.between].filter((one) => one !== null).join(" ");
  const only = hours === "" ? "" : ` ${words.onlyAt(hours)}`;
  return `${when} ${words.told(words.channel[step.channel] ?? step.channel, recipientText(step, roles, words))}${only}`;
}

/** Who a step would tell now; null: whoever watches the console. */
export function recipientText(step: Pick<NextStep, "to" | "contact">, roles: readonly DutyRole[] | null, words: Words): string | null {
  const [kind, ...rest] = step.to.split(" ");
  const name = rest.join(" ");
  switch (kind) {
    case "console":
      return null;
    case "rank":
      return step.contact ?? words.nobodyAs(words.rank(name));
    case "duty": {
      const role = roles?.find((one) => one.name === name);
      if (!role) return name;
      return role.now.map((one) => one.contact).join(", ") || words.nobodyAs(name);
    }
    default:
      return name;
  }
}
