import type { DutyEntry, DutyRole } from "../contract";
import { dutyOpen } from "../screen";
import { connection, onCall } from "../store";
import { words } from "../text/language";
import { Planned } from "./Instants";

/** Small, and always in sight: who would be called now. */
export function OnCallPanel() {
  const roles = onCall.value;
  if (roles === null) return null;
  return (
    <section class={connection.value === "lost" ? "on-call stale" : "on-call"} id="on-call" aria-labelledby="on-call-title">
      <div class="protection-head">
        <h2 id="on-call-title">{words.onCall}</h2>
        {roles.length > 0 && (
          <button type="button" data-action="duty" onClick={() => (dutyOpen.value = true)}>
            {words.changeDuty}
          </button>
        )}
      </div>
      {roles.length === 0 && <p class="quiet">{words.noRoles}</p>}
      <ul>
        {roles.map((role) => (
          <Role key={role.name} role={role} />
        ))}
      </ul>
    </section>
  );
}

function Role({ role }: { role: DutyRole }) {
  const { now, next, unreached } = role;
  return (
    <li data-role={role.name} data-covered={unreached.length === 0}>
      <span class="role">{role.name}</span>
      <span>
        {now.map((entry) => (
          <Current key={entry.id} entry={entry} />
        ))}
        {now.length === 0 && <b class={unreached.length > 0 ? "nobody" : "quiet"}>{words.nobodyOnCall}</b>}
        {now.length > 0 && unreached.length > 0 && (
          <b class="nobody">{words.notReachedBy(unreached.map((one) => words.channel[one] ?? one).join(", "))}</b>
        )}
        {!role.called && <span class="quiet">{words.roleNotCalled}</span>}
        <span class="quiet">
          {next ? (
            <>
              {words.thenOnCall} {next.contact} {words.fromTime} <Planned at={next.from} />
            </>
          ) : (
            words.nobodyAfter
          )}
        </span>
      </span>
    </li>
  );
}

function Current({ entry }: { entry: DutyEntry }) {
  return (
    <span>
      <b>{entry.contact}</b> {words.untilTime} <Planned at={entry.until} />
    </span>
  );
}
