import { render } from "preact";
import { App } from "./components/App";
import { listenToKeys } from "./keyboard";
import { tellPresented } from "./presented";
import { keepPreferences } from "./screen";
import { openSocket, reconnectSoon, watchSilence } from "./socket";
import { repeatSound, startAlarmSound } from "./sound/alarm_sound";
import { checkSpeaker, startSpeaker } from "./sound/speaker";
import { startTicker } from "./ticker";
import { language } from "./text/language";
import { keepTitle } from "./title";
import { followShownWatch } from "./watch_commands";
import "./styles/base.css";
import "./styles/bars.css";
import "./styles/queue.css";
import "./styles/protection.css";
import "./styles/duty.css";
import "./styles/sheet.css";
import "./styles/watch.css";
import "./styles/map.css";
import "./styles/table.css";

document.documentElement.lang = language;
keepPreferences();
listenToKeys();
keepTitle();
followShownWatch();

const root = document.getElementById("app");
if (root) render(<App />, root);

openSocket();
// Opening the sound device can take a second; the alarms are on screen before that.
setTimeout(() => {
  startSpeaker();
  startAlarmSound();
});
startTicker([watchSilence, checkSpeaker, repeatSound, tellPresented]);
window.addEventListener("online", reconnectSoon);
document.addEventListener("visibilitychange", tellPresented);
