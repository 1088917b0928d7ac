// One approval: all that its deciders are to know, and the forms of what the reader may do with it.

import * as v from "valibot";
import { visibleLine } from "../../../core/show/visible_pieces.ts";
import { type ApprovalDetail, detailOf } from "../../approvals/detail.ts";
import { findApproval, type FoundApproval } from "../../approvals/find.ts";
import { type Powers, powersOf } from "../../approvals/powers.ts";
import { pageOf, refusalOf } from "../answers.tsx";
import { draftOf } from "../fresh_login.ts";
import { type PageIncoming, type PageRoute, pageRoute } from "../page_route.ts";
import { Before, Deciders, Earlier } from "./around.tsx";
import { Acts, type Typed } from "./decide.tsx";
import { Notices, type Told } from "./notices.tsx";
import { CommandName, Name, StateBadge, When } from "./parts.tsx";
import { type Signing, signingOf } from "./signing.tsx";
import { HEADING_LIMIT, What } from "./what.tsx";
import { Where, Who, Why } from "./who.tsx";

export const FORM_PATH = "/approvals/{id}";

interface Shown {
  readonly told: Told | null;
  readonly typed: Typed;
  readonly status: number;
}

const NOTHING: Shown = { told: null, typed: { comment: "", minutes: "" }, status: 200 };

export const form: PageRoute = pageRoute({
  id: "approval",
  method: "GET",
  path: FORM_PATH,
  who: "anyone",
  fresh: true,
  query: v.strictObject({ draft: v.optional(v.pipe(v.string(), v.maxLength(8_192))) }),
  answer: async (call) => {
    const draft = await draftOf(call, call.query.draft);
    if (draft === null) return showForm(call);
    const typed = { comment: draft.comment ?? "", minutes: draft.minutes ?? "" };
    const text = "Your login was renewed. Nothing has been decided yet: choose once more.";
    return showForm(call, { told: { text, isError: false }, typed, status: 200 });
  },
});

/** The same for a script that looks whether something changed: who decides by it is asked for a new login then. */
export const formNow: PageRoute = pageRoute({
  id: "approval-now",
  method: "GET",
  path: "/approvals/{id}/now",
  who: "anyone",
  answer: (call) => showForm(call),
});

/** As it is now. */
export async function showForm(call: PageIncoming, shown: Shown = NOTHING): Promise<Response> {
  const { exchange, caller, path } = call;
  const found = await findApproval(exchange.gateway.env, caller, exchange.policy, path.get("id") ?? "");
  return found === null ? refusalOf(call, { reason: "not_found" }) : formOf(call, found, shown);
}

async function formOf(call: PageIncoming, found: FoundApproval, shown: Shown): Promise<Response> {
  const { exchange, caller } = call;
  const { env } = exchange.gateway;
  const detail = await detailOf(env, caller, exchange.policy, found);
  const now = Date.now();
  const powers = powersOf(found, caller, exchange.policy, now);
  const signing = powers.decide && found.approval.terms.passkey ? await signingOf(call, found.approval) : null;
  if (signing === "unavailable") return refusalOf(call, { reason: "trail_unavailable" });
  const title = visibleLine(`${detail.method} ${detail.target}`).slice(0, 120);
  return pageOf(
    call,
    { title, at: "/" },
    <Form call={call} detail={detail} powers={powers} signing={signing} shown={shown} now={now} />,
    shown.status,
  );
}

interface Props {
  readonly call: PageIncoming;
  readonly detail: ApprovalDetail;
  readonly powers: Powers;
  readonly signing: Signing | null;
  readonly shown: Shown;
  readonly now: number;
}

function Form({ call, detail, powers, signing, shown, now }: Props) {
  const { approval } = detail.found;
  const path = `/approvals/${approval.id}`;
  const connection = call.exchange.policy.connections.get(approval.connection) ?? null;
  return (
    <article
      id="approval"
      class="approval"
      data-seen={detail.seen}
      data-live="/approvals/live"
      data-now={`${path}/now`}
      aria-labelledby="title"
    >
      <Heading detail={detail} mayAct={Object.values(powers).some(Boolean)} now={now} />
      <Notices detail={detail} powers={powers} told={shown.told} now={now} call={call} />
      <div class="columns">
        <div class="what">
          {detail.reason === null ? null : <Why reason={detail.reason} />}
          <What detail={detail} whole={`${path}/body`} />
          <Who detail={detail} />
          <Where detail={detail} connection={connection} />
        </div>
        <div class="side">
          <Acts call={call} detail={detail} powers={powers} signing={signing} typed={shown.typed} />
          <Deciders detail={detail} now={now} />
        </div>
        <div class="around">
          <Before detail={detail} now={now} />
          <Earlier detail={detail} now={now} />
          <p class="dim small">
            {detail.record === null ? null : (
              <>
                Record <code>{detail.record}</code>
              </>
            )}
          </p>
        </div>
      </div>
    </article>
  );
}

function Heading({
  detail: { found, method, target, reason },
  mayAct,
  now,
}: {
  readonly detail: ApprovalDetail;
  readonly mayAct: boolean;
  readonly now: number;
}) {
  const { approval } = found;
  return (
    <header class="heading">
      <p class="state">
        <StateBadge state={approval.state.kind} />
        {approval.state.kind === "pending" ? (
          <span>
            expires <When at={approval.expires} now={now} />
          </span>
        ) : null}
        <span class="dim">
          asked <When at={approval.requested} now={now} />
        </span>
      </p>
      <h1 id="title">
        <CommandName method={method} target={headingOf(target)} />
      </h1>
      <p class="lead">
        <Name person={approval.requester} />{" "}
        {approval.actors.length === 0 ? "asks for this" : "asks for this through an agent"} on{" "}
        <strong>{approval.connection}</strong>. {reason === null ? <span class="dim">No reason was given.</span> : null}
        {mayAct ? (
          <a href="#decide" class="to-decision">
            To your decision
          </a>
        ) : null}
      </p>
    </header>
  );
}

/** Without the query, which stands whole below. */
function headingOf(target: string): string {
  const at = target.indexOf("?");
  if (Math.max(at, 0) > HEADING_LIMIT || (at < 0 && target.length > HEADING_LIMIT))
    return `${target.slice(0, HEADING_LIMIT)}…`.toWellFormed();
  return at < 0 ? target : `${target.slice(0, at)}?…`;
}
