// What makes the console's pages nicer where there is JavaScript. They work without: nothing here is
// needed to read, to decide or to log in. Bundled into workers/pages/static_files.ts.

import { showLocalTimes } from "./local_times.ts";
import { sendFormsOnce } from "./send_once.ts";

showLocalTimes(document);
sendFormsOnce(document);
