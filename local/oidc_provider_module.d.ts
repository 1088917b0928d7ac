// What local/oidc_provider.ts uses of `oidc-provider`, which ships no types.

declare module "oidc-provider" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

  export interface Source {
    readonly authTime?: number;
    readonly amr?: readonly string[];
  }

  export interface Grant {
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export interface Context {
    body: unknown;
    readonly oidc: {
      readonly client: { readonly clientId: string; readonly clientName?: string };
      readonly session: { readonly accountId?: string; grantIdFor(client: string): string | undefined };
      readonly result?: { readonly consent?: { readonly grantId?: string } };
      readonly entities: {
        readonly AuthorizationCode?: Source;
        readonly RefreshToken?: Source;
        readonly DeviceCode?: Source;
      };
      readonly resourceServers?: Readonly<Record<string, unknown>>;
      readonly provider: Provider;
    };
  }

  export interface Interaction {
    readonly uid: string;
    readonly prompt: { readonly name: string };
    readonly params: Readonly<Record<string, unknown>>;
    readonly session?: { readonly accountId?: string };
  }

  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    readonly Grant: (new (properties: { accountId: string | undefined; clientId: string }) => Grant) & {
      find(id: string): Promise<Grant | undefined>;
    };
    callback(): RequestListener;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
      options: { mergeWithLastSubmission: boolean },
    ): Promise<void>;
    on(event: string, listener: (...values: readonly unknown[]) => void): this;
  }

  export const errors: { readonly InvalidTarget: new () => Error };
}
