// The policy file as it is once its shape was checked, member by member (core/policy/file_schema.ts):
// defaults filled in, names not looked up yet. Types only.

import type { CredentialUse } from "../protocol/http/credential.ts";

export interface FileSubject {
  readonly issuer: string;
  readonly subject: string;
}

export interface FilePeople {
  readonly issuer?: string | undefined;
  readonly groups: readonly string[];
  readonly subjects: readonly FileSubject[];
}

export interface FilePeopleWithRoles extends FilePeople {
  readonly roles: readonly string[];
}

export interface FileConnection {
  readonly protocol: "http" | "websocket";
  readonly upstream: string;
  readonly region: string;
  readonly credential?: CredentialUse | undefined;
  readonly labels: readonly string[];
  readonly timeout_seconds: number;
  readonly session_seconds: number;
  readonly idle_seconds: number;
  readonly json_limit: number;
  readonly record: FileExtent;
  readonly unreadable: "commit" | "refuse";
  readonly message_limit?: number | undefined;
  readonly on_refused?: "drop" | "close" | undefined;
  readonly silence_seconds?: number | undefined;
  readonly framing: "none" | "self" | readonly string[];
  readonly browser: boolean;
}

export type FileExtent = "metadata" | "full" | { readonly head: number };

export interface FileMask {
  readonly fields: readonly string[];
  readonly pattern?: string | undefined;
  readonly keywords: readonly string[];
  readonly pseudonym: boolean;
}

export type FileEffect = "allow" | "deny" | "needs-approval";

export interface FileRule {
  readonly id: string;
  readonly description?: string | undefined;
  readonly effect: FileEffect;
  readonly priority: number;
  readonly who: "anyone" | FilePeopleWithRoles;
  readonly connections: readonly string[] | { readonly labels: readonly string[] };
  readonly methods: readonly string[];
  readonly routes: readonly string[];
  readonly when?: string | undefined;
  readonly message?: string | undefined;
  readonly mask: readonly string[];
  readonly record?: FileExtent | undefined;
  readonly refused?: "drop" | "close" | undefined;
  readonly approve?: FileApprove | undefined;
}

export interface FileApprove {
  readonly by: readonly (FilePeopleWithRoles & { readonly count: number })[];
  readonly expires_minutes: number;
  readonly use_within_minutes: number;
  readonly wait_seconds: number;
  readonly if_gone: "cancel" | "keep";
  readonly body_limit: number;
  readonly grant?: { readonly minutes: number; readonly for: "target" | "rule" } | undefined;
  readonly comment: "required" | "optional";
  readonly reason: "required" | "optional";
  readonly passkey: boolean;
  readonly break_glass?: FilePeopleWithRoles | undefined;
  readonly masked_only_in?: readonly string[] | undefined;
  readonly notify: readonly string[];
}

export type FileNotify =
  | { readonly format: "webhook"; readonly url: string; readonly secret: string }
  | { readonly format: "slack"; readonly url?: string | undefined; readonly secret?: string | undefined };

export interface FileExample {
  readonly name: string;
  readonly as: {
    readonly issuer?: string | undefined;
    readonly subject: string;
    readonly name?: string | undefined;
    readonly email?: string | undefined;
    readonly email_verified: boolean;
    readonly groups: readonly string[];
    readonly auth_time?: string | undefined;
    readonly methods: readonly string[];
    readonly actors: readonly FileSubject[];
  };
  readonly do: string;
  readonly on: string;
  readonly with?:
    | {
        readonly headers: Readonly<Record<string, string>>;
        readonly json?: unknown;
        readonly text?: string | undefined;
        readonly binary?: number | undefined;
        readonly address?: string | undefined;
        readonly time?: string | undefined;
      }
    | undefined;
  readonly expect: FileEffect;
  readonly by?: string | undefined;
}

export interface PolicyFile {
  readonly $schema?: string | undefined;
  readonly version: 1;
  readonly description?: string | undefined;
  readonly roles: Readonly<Record<string, FilePeople>>;
  /** Each list is one person. */
  readonly persons: readonly (readonly FileSubject[])[];
  readonly notify: Readonly<Record<string, FileNotify>>;
  readonly masks: Readonly<Record<string, FileMask>>;
  readonly connections: Readonly<Record<string, FileConnection>>;
  readonly rules: readonly FileRule[];
  readonly examples: readonly FileExample[];
}
