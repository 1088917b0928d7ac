// The two ways to log in: a browser that comes back to this machine (authorization code with PKCE, RFC
// 7636 and RFC 8252), and a code that is entered on another device (RFC 8628).

import * as client from "openid-client";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Io } from "../io.ts";
import type { CliRefusal } from "../refusal.ts";
import { shown } from "../terminal.ts";
import { openBrowser } from "./browser.ts";
import { listen } from "./callback.ts";
import { oauthRefusal } from "./oauth_refusal.ts";
import { pageUrl } from "./provider.ts";

export interface Asked {
  readonly config: client.Configuration;
  readonly scope: string;
  /** RFC 8707; null asks for none. */
  readonly resource: string | null;
}

type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

const LOGIN_MS = 10 * 60_000;
/** However long a provider says that its code holds. */
const LONGEST_MS = 60 * 60_000;

function parametersOf({ scope, resource }: Asked): Record<string, string> {
  // OpenID Connect Core §11: a provider may ignore offline_access where nobody was asked for consent.
  const prompt = scope.split(" ").includes("offline_access") ? { prompt: "consent" } : {};
  return { scope, ...prompt, ...(resource === null ? {} : { resource }) };
}

function resourceOf({ resource }: Asked): Record<string, string> {
  return resource === null ? {} : { resource };
}

export async function codeFlow(asked: Asked, isOpened: boolean, io: Io): Promise<Result<Tokens, CliRefusal>> {
  const { issuer } = asked.config.serverMetadata();
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  // Without an ID token there is nothing that could carry a nonce.
  const nonce = asked.scope.split(" ").includes("openid") ? client.randomNonce() : null;
  let isWarned = false;
  const callback = await listen(state, () => {
    if (!isWarned) io.note(`${io.noteStyle.yellow("note:")} an answer to another login was turned away`);
    isWarned = true;
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const url = client.buildAuthorizationUrl(asked.config, {
      ...parametersOf(asked),
      redirect_uri: callback.redirectUri,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      ...(nonce === null ? {} : { nonce }),
    });
    const page = pageUrl(url.href);
    if (page === null) return refuse(strangePage());
    if (isOpened) openBrowser(page);
    io.note(isOpened ? "Log in in your browser. If none opened, open:" : "Open in a browser on this machine:");
    io.note(`\n  ${page}\n`);
    const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), LOGIN_MS)));
    const answer = await Promise.race([callback.answer, late]);
    if (answer === null) return refuse({ reason: "refused", what: "nobody logged in within ten minutes. Try again." });
    const tokens = await client.authorizationCodeGrant(
      asked.config,
      answer,
      { pkceCodeVerifier: verifier, expectedState: state, ...(nonce === null ? {} : { expectedNonce: nonce }) },
      resourceOf(asked),
    );
    callback.finish(true);
    return ok(tokens);
  } catch (error) {
    callback.finish(false);
    return refuse(oauthRefusal(error, issuer));
  } finally {
    clearTimeout(timer);
    callback.close();
  }
}

function strangePage(): CliRefusal {
  return { reason: "refused", what: "the login provider names a page that is neither https nor on this machine." };
}

export async function deviceFlow(asked: Asked, io: Io): Promise<Result<Tokens, CliRefusal>> {
  const { issuer, device_authorization_endpoint: endpoint } = asked.config.serverMetadata();
  if (endpoint === undefined)
    return refuse({
      reason: "refused",
      what: "the login provider cannot log in from another device. Do it on this one: --no-browser.",
    });
  let ticker: NodeJS.Timeout | undefined;
  let late: AbortSignal | undefined;
  try {
    const { prompt: _, ...parameters } = parametersOf(asked);
    const device = await client.initiateDeviceAuthorization(asked.config, parameters);
    const page = pageUrl(device.verification_uri);
    if (page === null) return refuse(strangePage());
    const whole = device.verification_uri_complete === undefined ? null : pageUrl(device.verification_uri_complete);
    const milliseconds = Math.min(device.expires_in * 1000, LONGEST_MS);
    const until = Date.now() + milliseconds;
    late = AbortSignal.timeout(milliseconds);
    const { bold } = io.noteStyle;
    io.note(`On any device, open   ${bold(page)}`);
    io.note(`and enter the code    ${bold(shown(device.user_code, 40))}`);
    // Only on the same site: else it might be another page than the one that was just read.
    if (whole !== null && new URL(whole).origin === new URL(page).origin) io.note(`or open both in one   ${whole}`);
    const tick = (): void => io.progress(waitingText(until - Date.now()));
    tick();
    ticker = setInterval(tick, 1000);
    return ok(await client.pollDeviceAuthorizationGrant(asked.config, device, resourceOf(asked), { signal: late }));
  } catch (error) {
    if (late?.aborted === true)
      return refuse({ reason: "refused", what: "nobody entered the code in time. Try again." });
    return refuse(oauthRefusal(error, issuer));
  } finally {
    clearInterval(ticker);
    io.progress("");
  }
}

function waitingText(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `waiting … the code holds for ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
