// Addresses of the console's pages, for whoever leads a browser to one.

import { matchesRoute } from "../../core/policy/route.ts";
import { placeOf } from "../console/own_command.ts";
import { PATH_LIMIT } from "./fresh_login.ts";
import { PAGES } from "./page_routes.ts";

/** Whether a login may end there: at a page of the console that reads, and nowhere else. */
export function isPagePath(path: string): boolean {
  if (path.length > PATH_LIMIT || !/^\/[!-~]*$/.test(path) || path.includes("#")) return false;
  const { segments } = placeOf(`https://console${path}`);
  return PAGES.some(({ method, pattern }) => method === "GET" && matchesRoute(pattern, segments));
}
