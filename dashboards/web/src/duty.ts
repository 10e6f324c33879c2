import type { NewDuty, Rota } from "./contract";
import { ask, type Answer } from "./request";
import { onCall } from "./store";

/** Who is on call, to be changed. Each answer is the rota as it is then. */

export function askRota(): Promise<Answer<Rota>> {
  return asked(ask<Rota>("api/v1/duty"));
}

export function addDuty(duty: NewDuty): Promise<Answer<Rota>> {
  return asked(ask<Rota>("api/v1/duty", duty));
}

export function endDuty(dutyId: number): Promise<Answer<Rota>> {
  return asked(ask<Rota>(`api/v1/duty/${dutyId}/end`, {}));
}

async function asked(answering: Promise<Answer<Rota>>): Promise<Answer<Rota>> {
  const answer = await answering;
  if (answer.ok) onCall.value = answer.value.roles;
  return answer;
}
