// A step of a login that was refused: the perimeter hears why, the person what to do.

import { newCommandId } from "../../core/ids.ts";
import { fillRandom } from "../../durable/sha256.ts";
import type { Gateway } from "../gateway.ts";
import { recordAtPerimeter } from "../perimeter.ts";
import { type Page, page } from "./page.ts";

export type LoginFailure =
  | "login_method"
  | "login_request_invalid"
  | "login_state_invalid"
  | "login_state_used"
  | "login_other_browser"
  | "login_provider_unreachable"
  | "login_provider_refused"
  | "login_answer_invalid"
  | "login_token_refused"
  | "login_ticket_invalid"
  | "login_ticket_used"
  | "login_control_unavailable"
  | "login_not_kept"
  | "login_cross_site";

interface Told {
  readonly status: number;
  readonly title: string;
  readonly text: string;
}

const BEGIN_AGAIN = "Open the page again, by its address or a link, and log in from there.";
const TOLD: Readonly<Record<LoginFailure, Told>> = {
  login_method: { status: 405, title: "This is not how to log in", text: BEGIN_AGAIN },
  login_request_invalid: { status: 400, title: "This login is over", text: BEGIN_AGAIN },
  login_state_invalid: { status: 400, title: "This login is over", text: BEGIN_AGAIN },
  login_state_used: { status: 400, title: "This login was used already", text: BEGIN_AGAIN },
  login_other_browser: {
    status: 403,
    title: "This login began in another browser",
    text: `So it cannot end in this one. ${BEGIN_AGAIN}`,
  },
  login_provider_unreachable: {
    status: 503,
    title: "The login provider does not answer",
    text: "Nobody can log in until it does. Try again in a while.",
  },
  login_provider_refused: { status: 403, title: "The login provider refused this login", text: BEGIN_AGAIN },
  login_answer_invalid: {
    status: 502,
    title: "The login provider's answer cannot be used",
    text: "Tell whoever looks after this gateway.",
  },
  login_token_refused: {
    status: 403,
    title: "The login is not accepted here",
    text: "The login provider knows you, but its token is not one that this gateway takes. Tell whoever looks after it.",
  },
  login_ticket_invalid: { status: 400, title: "This login is over", text: BEGIN_AGAIN },
  login_ticket_used: { status: 400, title: "This login was used already", text: BEGIN_AGAIN },
  login_control_unavailable: {
    status: 503,
    title: "The gateway cannot log anybody in right now",
    text: "Try again in a while.",
  },
  login_not_kept: {
    status: 403,
    title: "Your browser did not keep the login",
    text: "You have logged in, but nothing of it is left. Allow cookies for this site, then go on.",
  },
  login_cross_site: {
    status: 403,
    title: "Another site sent your browser here",
    text: "So nothing was done.",
  },
};

/** `action` is what the person can do about it on this very page; `show` makes the page. */
export function failLogin(
  request: Request,
  gateway: Gateway,
  ctx: ExecutionContext,
  failure: LoginFailure,
  action?: Page["action"],
  show: (told: Page) => Response = page,
): Response {
  const { status } = TOLD[failure];
  const denied = {
    gateway,
    command: newCommandId(Date.now(), fillRandom),
    address: request.headers.get("cf-connecting-ip"),
    // Without the query: what stands there is good for a login, or was.
    request: { method: request.method, url: request.url.split("?", 1)[0] ?? "" },
  };
  ctx.waitUntil(recordAtPerimeter(denied, failure, status));
  return failurePage(failure, action, show);
}

/** What the person is told; nobody else hears of it. */
export function failurePage(
  failure: LoginFailure,
  action: Page["action"] | undefined,
  show: (told: Page) => Response,
): Response {
  const { status, title, text } = TOLD[failure];
  return show({ status, title, text, notes: [`Reason: ${failure}`], ...(action === undefined ? {} : { action }) });
}
