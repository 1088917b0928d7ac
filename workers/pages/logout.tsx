// Ends a login in this browser. A person is asked first; only the page that asks can do it.

import { clearSession } from "../../core/protocol/http/own_cookies.ts";
import { FormToken, pageOf, plainPage } from "./answers.tsx";
import { type PageRoute, pageRoute } from "./page_route.ts";

export const LOGOUT_PATH = "/logout";

const ask = pageRoute({
  id: "logout-ask",
  method: "GET",
  path: LOGOUT_PATH,
  who: "anyone",
  always: true,
  answer: (call) =>
    pageOf(
      call,
      { title: "Log out" },
      <div class="card narrow">
        <h1>Log out of the console?</h1>
        <p>Your login ends in this browser. The login provider may still know you.</p>
        <form method="post" action={LOGOUT_PATH}>
          <FormToken call={call} action={LOGOUT_PATH} />
          <p class="actions">
            <button class="primary">Log out</button>
          </p>
        </form>
      </div>,
    ),
});

const logout = pageRoute({
  id: "logout",
  method: "POST",
  path: LOGOUT_PATH,
  who: "anyone",
  always: true,
  answer: () => loggedOut(),
});

/** Also for who has no login that could be ended: nothing of one is left in the browser. */
export function loggedOut(): Response {
  return plainPage({
    status: 200,
    title: "You are logged out",
    text: "In this browser nothing of your login at the console is left.",
    action: { label: "Log in again", href: "/login", method: "get" },
    headers: clearSession().map((line) => ["set-cookie", line] as const),
  });
}

export const LOGOUT_ROUTES: readonly PageRoute[] = [ask, logout];
