import { isBare } from "../rules/marker";
import { helpOpen, mapMissing, newShiftOpen, theme, toggleView, view } from "../screen";
import { account, connection, devices, nowMs, organisation, queue, untreated, untreatedVital } from "../store";
import { clockText, dayText } from "../text/instants";
import { words } from "../text/language";
import { SoundButtons } from "./SoundButtons";

export function TopBar() {
  return (
    <header class="topbar">
      <div class="brand">
        <strong>{organisation.value?.name ?? words.app}</strong>
        <span class="account">{account.value?.name}</span>
      </div>
      <Counts />
      <div class="spacer" />
      <ConnectionLamp />
      <Clock />
      <div class="tools">
        <SoundButtons />
        <button
          type="button"
          data-action="new-shift"
          title={words.newShift}
          aria-label={words.newShift}
          onClick={() => (newShiftOpen.value = true)}
        >
          +
        </button>
        <button type="button" data-action="toggle-view" disabled={mapMissing.value} onClick={toggleView}>
          {view.value === "map" ? words.showTable : words.showMap}
        </button>
        <button
          type="button"
          data-action="toggle-theme"
          title={words.theme}
          aria-label={words.theme}
          onClick={() => (theme.value = theme.value === "dark" ? "light" : "dark")}
        >
          {theme.value === "dark" ? "☀" : "☾"}
        </button>
        <button type="button" data-action="help" aria-label={words.help} onClick={() => (helpOpen.value = true)}>
          ?
        </button>
      </div>
    </header>
  );
}

function Counts() {
  const waiting = untreated.value.length;
  const vital = untreatedVital.value.length > 0;
  let asked = 0;
  let bare = 0;
  for (const device of devices.value.values()) {
    if (device.prealarm) asked += 1;
    if (isBare(device)) bare += 1;
  }
  return (
    <ul class="counts">
      <li class={vital ? "count bad" : waiting > 0 ? "count warn" : "count"} data-count="untreated">
        <b>{waiting}</b> {words.untreated}
      </li>
      <li class="count" data-count="in-charge">
        <b>{queue.value.length - waiting}</b> {words.inCharge}
      </li>
      {asked > 0 && (
        <li class="count warn" data-count="prealarm">
          <b>▲ {asked}</b> {words.inPrealarm}
        </li>
      )}
      <li class={bare > 0 ? "count warn" : "count"} data-count="not-protected">
        <b>{bare}</b> {words.notProtected}
      </li>
    </ul>
  );
}

function ConnectionLamp() {
  return (
    <div id="connection" role="status" data-state={connection.value}>
      <span class="lamp" aria-hidden="true" />
      {words[connection.value]}
    </div>
  );
}

function Clock() {
  return (
    <time class="clock" title={words.clock}>
      <span class="day">{dayText(nowMs.value, words)}</span> <b>{clockText(nowMs.value, words)}</b>
    </time>
  );
}
