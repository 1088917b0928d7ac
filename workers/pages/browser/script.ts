// What makes the console's pages nicer where there is JavaScript. They work without: nothing here is
// needed to read, to log in, or to decide where no passkey is asked for. Bundled into workers/pages/static_files.ts.

import { followChanges } from "./follow.ts";
import { countOn, showLocalTimes } from "./local_times.ts";
import { usePasskeys } from "./passkeys.ts";
import { sendFormsInPlace } from "./send_in_place.ts";
import { sendFormsOnce } from "./send_once.ts";

showLocalTimes(document);
countOn(document);
usePasskeys();
sendFormsOnce(document);
sendFormsInPlace();
followChanges();
