// Calls to a gateway's API as whoever the token says. Follows no redirect, so that the token goes
// nowhere else, and holds no more of an answer than a gateway would send.

import { ok, refuse, type Result } from "../core/result.ts";
import type { Access } from "./access.ts";
import { boundedText } from "./bounded_text.ts";
import { readProblem, type Problem } from "./problem.ts";
import type { CliRefusal } from "./refusal.ts";
import { shown } from "./terminal.ts";

/** A page of a list is at most 100 rows; a policy 512 KiB. */
const ANSWER_LIMIT = 8 * 1024 * 1024;
const PROBLEM_LIMIT = 1024 * 1024;
/** Until an answer begins; a stream may then take as long as it takes. */
const BEGIN_MS = 60_000;

export interface Call {
  /** From the root: `/api/v1/…`, with its query. */
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Said in place of the usual when there is no such thing (404). */
  readonly missing?: string;
}

export function notAGateway(): { ok: false } & CliRefusal {
  return refuse({ reason: "unreachable", what: "the answer is not what a gateway sends. Is --gateway right?" });
}

/** The answer if its status is a good one; its body is then the caller's to read or cancel. */
export async function call(access: Access, asked: Call): Promise<Result<Response, CliRefusal>> {
  let response: Response;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), BEGIN_MS);
  try {
    response = await fetch(access.gateway + asked.path, {
      method: asked.method ?? "GET",
      headers: { ...asked.headers, authorization: `Bearer ${access.token}`, "accept-encoding": "identity" },
      redirect: "manual",
      signal: late.signal,
      ...(asked.body === undefined ? {} : { body: asked.body }),
    });
  } catch {
    return refuse({
      reason: "unreachable",
      what: late.signal.aborted
        ? `${access.gateway} takes the call and does not answer. Try again.`
        : `${access.gateway} cannot be reached. Is it running, and is --gateway right?`,
    });
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return ok(response);
  const text = await boundedText(response, PROBLEM_LIMIT);
  return refuse(refusalOf(response, readProblem(response.status, text ?? ""), asked.missing));
}

/** JSON of at most 8 MiB. */
export async function callJson(access: Access, asked: Call): Promise<Result<unknown, CliRefusal>> {
  const got = await call(access, asked);
  if (!got.ok) return got;
  const text = await boundedText(got.value, ANSWER_LIMIT);
  try {
    if (text !== null) return ok(JSON.parse(text) as unknown);
  } catch {
    // Falls through: what came is no JSON.
  }
  return notAGateway();
}

function refusalOf({ status, headers }: Response, problem: Problem, missing: string | undefined): CliRefusal {
  const said = shown(problem.detail !== "" ? problem.detail : problem.title, 300);
  const because = said === "" ? "" : ` (${said})`;
  switch (status) {
    case 400: {
      const wrong = problem.errors
        .slice(0, 3)
        .map((one) => `${shown(one.parameter || one.pointer, 60)}: ${shown(one.expected, 200)}`);
      const what =
        wrong.length > 0 ? `the gateway expects ${wrong.join("; ")}.` : `the gateway cannot read that${because}.`;
      return { reason: "usage", what, problem };
    }
    case 401:
      return {
        reason: "refused",
        what: "the gateway does not accept the token: it has expired, or was made for something else. Get a new one.",
        problem,
      };
    case 403:
      return { reason: "refused", what: `this identity may not do that${because}.`, problem };
    case 404:
      return { reason: "unreachable", what: missing ?? `there is no such thing at the gateway${because}.`, problem };
    case 409:
    case 412:
      return { reason: "conflict", what: `somebody else was first${because}. Look again, then decide.`, problem };
    case 421: {
      const what = "this host is not served there. Use the URL of the gateway's region.";
      return { reason: "unreachable", what, problem };
    }
    case 422:
      return { reason: "different", what: `the gateway does not take that${because}.`, problem };
    case 429: {
      const wait = headers.get("retry-after") ?? "";
      const when = /^\d{1,5}$/.test(wait) ? `in ${wait} s` : "in a minute";
      return { reason: "unreachable", what: `too many calls. Try again ${when}.`, problem };
    }
    default: {
      const isRedirect = status >= 300 && status < 400;
      const what = isRedirect
        ? `the gateway answered ${status}, a redirect: the token goes nowhere else. Is --gateway right?`
        : `the gateway answered ${status}${because}. Try again; if it stays, ask its admin.`;
      return { reason: "unreachable", what, problem };
    }
  }
}
