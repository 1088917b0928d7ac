// What `login` is asked, and the name under which this program is known to providers.

/** Public, with loopback redirects and the device flow; what a provider is told to register. */
export const CLIENT_ID = "sallyport-cli";

export interface LoginOptions {
  readonly context?: string;
  readonly gateway?: string;
  readonly device?: boolean;
  readonly browser: boolean;
  readonly clientId?: string;
  readonly issuer?: string;
  readonly scope?: string;
  readonly resource: boolean;
  readonly json?: boolean;
}
