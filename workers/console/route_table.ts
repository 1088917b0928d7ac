// Every route of `/api/v1`. What is not here does not exist.

import { ABOUT_ROUTES } from "./about.ts";
import { APPROVAL_ROUTES } from "./approvals.ts";
import { APPROVAL_LIVE_ROUTES } from "./approvals_live.ts";
import { COMMAND_ROUTES } from "./commands.ts";
import { HEALTH_ROUTES } from "./health.ts";
import { KILL_ROUTES } from "./kills.ts";
import { LIVE_ROUTES } from "./live.ts";
import { NOTICE_ROUTES } from "./notices.ts";
import { DOCUMENT_ROUTES } from "./openapi_route.ts";
import { PAYLOAD_ROUTES } from "./payload.ts";
import { POLICY_ROUTES } from "./policies.ts";
import { RECORD_ROUTES } from "./records.ts";
import { REVOCATION_ROUTES } from "./revocations.ts";
import type { Route } from "./route.ts";
import { SEARCH_ROUTES } from "./search_rebuild.ts";
import { SESSION_ROUTES } from "./sessions.ts";
import { TRAIL_ROUTES } from "./trail.ts";

export const ROUTES: readonly Route[] = [
  ...DOCUMENT_ROUTES,
  ...HEALTH_ROUTES,
  ...ABOUT_ROUTES,
  ...SESSION_ROUTES,
  ...RECORD_ROUTES,
  ...LIVE_ROUTES,
  ...PAYLOAD_ROUTES,
  ...KILL_ROUTES,
  ...COMMAND_ROUTES,
  ...APPROVAL_LIVE_ROUTES,
  ...APPROVAL_ROUTES,
  ...NOTICE_ROUTES,
  ...SEARCH_ROUTES,
  ...TRAIL_ROUTES,
  ...POLICY_ROUTES,
  ...REVOCATION_ROUTES,
];
