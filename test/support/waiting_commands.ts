// Commands that wait for people, as a Worker asks a session object about them. Runs inside workerd.

import type { Approval, Party } from "../../core/approval/approval.ts";
import { requestedFacts } from "../../core/approval/requested.ts";
import type { ApprovalTerms } from "../../core/approval/terms.ts";
import type { CommandId, SessionId } from "../../core/ids.ts";
import { canonicalText } from "../../core/record/canonical.ts";
import type { Classes, Committed, Fields } from "../../core/record/record.ts";
import type { ApprovalEntry, Ask, Consumption, DecisionOrder, Notice, Stepped } from "../../durable/approval_rpc.ts";
import { registryOf } from "../../durable/registry_client.ts";
import {
  bindings,
  checkSession,
  classesOf,
  kindsOf,
  newCommand,
  OPENING,
  record,
  type sessionObject,
  sidOf,
} from "./objects.ts";
import { BOB, sampleApproval, sampleUse } from "./sample_approval.ts";

export const NOTICE: Notice = { name: "ops", format: "slack", url: "https://chat.example/hook", secret: null };

const SENT: Fields = { target: "PUT /left-pad", headers: "[]", token: "{}", client: '{"address":null}' };

interface How {
  readonly terms?: Partial<ApprovalTerms>;
  readonly change?: Partial<Approval>;
  readonly glass?: string | null;
  readonly chunks?: readonly Committed[];
  readonly classes?: Classes;
  readonly fields?: Fields;
  readonly notices?: readonly Notice[];
}

/** Alice asks, now. */
export function asking(how: How = {}, id: CommandId = newCommand(), requested: number = Date.now()): Ask {
  const { terms = {}, change = {}, glass = null, chunks = [], classes = {}, fields = {}, notices = [] } = how;
  const expires = requested + (terms.expiresMs ?? sampleApproval().terms.expiresMs);
  const approval = sampleApproval(terms, { id, requested, expires, ...change });
  const told = requestedFacts(approval, glass);
  const first = record(
    "approval.requested",
    id,
    { protocol: "http", verb: "write", ...told.classes, ...classes },
    { ...SENT, ...told.fields, ...fields },
  );
  return { approval, records: [first, ...chunks], title: "PUT /left-pad", glass, notices };
}

/** The intent of a command that goes on by an approval, and what it is held against. */
export function using(
  { id, policy, rule, digest, targetDigest }: Approval,
  command: CommandId = id,
  {
    asGrant = false,
    use = {},
    classes = {},
  }: { asGrant?: boolean; use?: Partial<Consumption>; classes?: Classes } = {},
): [Committed, Consumption] {
  const intent = record(
    "command.requested",
    command,
    {
      protocol: "http",
      verb: "write",
      effect: "needs_approval",
      policy,
      rule,
      approval: id,
      ...(asGrant ? { grant: 1 } : {}),
      ...classes,
    },
    SENT,
  );
  return [intent, { ...sampleUse({ digest, targetDigest }), approval: id, asGrant, ...use }];
}

/** Bob approves. */
export function deciding({ id, policy }: Approval, change: Partial<DecisionOrder> = {}): DecisionOrder {
  const decider = change.decider ?? BOB;
  return {
    approval: id,
    decision: "approve",
    decider,
    slots: [0],
    links: [],
    policy,
    comment: null,
    grantMs: 0,
    stepUp: null,
    command: newCommand(),
    fields: { decider: principalOf(decider) },
    ...change,
  };
}

function principalOf({ issuer, subject, name, email }: Party): string {
  return canonicalText({
    actors: [],
    authTime: null,
    email,
    emailVerified: email !== null,
    groups: ["leads"],
    issuer,
    methods: [],
    name,
    subject,
  });
}

/** The seq of what a step appended; throws if it was refused. */
export function seqOf(stepped: Stepped, sid: SessionId): number {
  if (!stepped.ok) throw new Error(`refused: ${stepped.reason}`);
  const [session, seq] = stepped.record.split("/");
  if (session !== sid) throw new Error("a record of another session");
  return Number(seq);
}

export type Session = ReturnType<typeof sessionObject>;

export async function asked(session: Session, how: Parameters<typeof asking>[0] = {}): Promise<[SessionId, Approval]> {
  const ask = asking(how);
  return [sidOf(await session.ask(ask, OPENING)), ask.approval];
}

export async function stateOf(session: Session, { id }: Approval): Promise<Approval["state"] | undefined> {
  return (await session.approvalOf(id))?.approval.state;
}

export async function kindsIn(session: Session, sid: SessionId): Promise<string[]> {
  return kindsOf((await checkSession(session, sid)).records).slice(1);
}

export async function lastClasses(session: Session, sid: SessionId): Promise<Record<string, unknown>> {
  return classesOf((await checkSession(session, sid)).records.at(-1));
}

export function entryOf({ id }: Approval): Promise<ApprovalEntry | null> {
  return registryOf(bindings, id).findApproval(id);
}
