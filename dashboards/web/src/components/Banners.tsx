import { audioState, unlock } from "../sound/speaker";
import { countUnheard } from "../rules/protection";
import { connection, devices, engineOk, heardAtMs, notHeardSince, nowMs, serverNowMs } from "../store";
import { clockText, shortTimeText, spanText } from "../text/instants";
import { words } from "../text/language";

export function Banners() {
  return (
    <div class="banners">
      {connection.value === "lost" && <Lost />}
      {!engineOk.value && (
        <div class="banner danger" role="alert" id="engine-stopped">
          <strong>{words.engineStopped}</strong> <span>{words.engineHint}</span>
        </div>
      )}
      <ReceptionLost />
      {audioState.value === "blocked" && (
        <div class="banner caution" role="alert" id="audio-blocked">
          <span>{words.audioBlocked}</span>
          <button type="button" class="big" data-action="activate-sound" onClick={() => void unlock()}>
            {words.activateSound}
          </button>
        </div>
      )}
      {audioState.value === "missing" && (
        <div class="banner caution" role="alert">
          {words.noAudio}
        </div>
      )}
    </div>
  );
}

/** The server hears no watch: one banner, not three hundred alarms. */
function ReceptionLost() {
  const since = notHeardSince.value;
  const agents = countUnheard(devices.value.values());
  if (since === null || agents === 0) return null;
  return (
    <div class="banner danger" role="alert" id="reception-lost">
      <strong>{words.receptionLost(agents, shortTimeText(Date.parse(since), words))}</strong>{" "}
      <span>{words.receptionHint}</span>
    </div>
  );
}

/** Screen readers hear the time of the loss once; the running age is for the eye only. */
function Lost() {
  const since = clockText(heardAtMs.value + (serverNowMs() - Date.now()), words);
  void nowMs.value;
  const span = spanText((Date.now() - heardAtMs.value) / 1000, words);
  return (
    <div class="banner danger" id="connection-lost">
      <strong aria-hidden="true">{words.lostSince(since, span)}</strong>
      <span role="alert">
        <span class="for-ears">
          {words.lost} {since}.{" "}
        </span>
        {words.lostHint}
      </span>
    </div>
  );
}
