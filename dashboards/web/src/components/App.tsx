import { openAlert, openDevice, view } from "../screen";
import { words } from "../text/language";
import { AlarmQueue } from "./AlarmQueue";
import { AlarmSheet } from "./AlarmSheet";
import { Announcer } from "./Announcer";
import { Banners } from "./Banners";
import { DeviceCard } from "./DeviceCard";
import { DeviceTable } from "./DeviceTable";
import { DutyDialog } from "./DutyDialog";
import { HelpDialog } from "./HelpDialog";
import { MapPane } from "./MapPane";
import { NewShiftDialog } from "./NewShiftDialog";
import { OnCallPanel } from "./OnCallPanel";
import { ProtectionPanel } from "./ProtectionPanel";
import { Replies } from "./Replies";
import { ShiftReport } from "./ShiftReport";
import { TopBar } from "./TopBar";

export function App() {
  const alert = openAlert.value;
  const device = openDevice.value;
  return (
    <div class="console">
      <TopBar />
      <Banners />
      <Replies />
      <main class={alert ? "desk with-sheet" : "desk"}>
        <div class="lookout">
          <AlarmQueue />
          <ProtectionPanel />
          <OnCallPanel />
        </div>
        {alert && <AlarmSheet key={alert.id} alert={alert} />}
        <section class="stage" aria-label={view.value === "map" ? words.map : words.table}>
          <MapPane hidden={view.value !== "map"} />
          {view.value === "table" && <DeviceTable />}
          {device && <DeviceCard device={device} />}
        </section>
      </main>
      <Announcer />
      <HelpDialog />
      <NewShiftDialog />
      <DutyDialog />
      <ShiftReport />
    </div>
  );
}
