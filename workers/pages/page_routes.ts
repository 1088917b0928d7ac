// All pages of the console. What is not here does not exist there.

import { ACT_ROUTES } from "./approvals/act_routes.tsx";
import { form, formNow } from "./approvals/form.tsx";
import { INBOX_ROUTES } from "./approvals/inbox.tsx";
import { wholeBody } from "./approvals/whole_body.ts";
import { LOGOUT_ROUTES } from "./logout.tsx";
import type { PageRoute } from "./page_route.ts";
import { PASSKEY_ROUTES } from "./passkeys/routes.tsx";
import { YOU } from "./you.tsx";

export const PAGES: readonly PageRoute[] = [
  ...INBOX_ROUTES,
  form,
  formNow,
  wholeBody,
  ...ACT_ROUTES,
  YOU,
  ...PASSKEY_ROUTES,
  ...LOGOUT_ROUTES,
];
