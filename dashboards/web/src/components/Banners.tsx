import { audioState, unlock } from "../sound/speaker";
import { connection, engineOk, heardAtMs, nowMs, serverNowMs } from "../store";
import { clockText, spanText } from "../text/instants";
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
