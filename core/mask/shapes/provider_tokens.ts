// The formats of providers' tokens, as their own public documentation gives them. A row is right when
// it finds every token the provider makes and nothing that people write for another purpose. Lengths are
// least lengths where a provider may make longer ones: all of the run is masked.
//
// docs/masking.md says how to add one; docs/decisions/0020 why they are kept here.

import type { TokenRule } from "./token.ts";
import { ALPHANUMERIC } from "./window.ts";

type More = Omit<TokenRule, "id" | "keywords" | "pattern">;

function row(id: string, keywords: string, pattern: string, more: More = {}): TokenRule {
  return { id, keywords: keywords.split(" "), pattern, ...more };
}

/** For rules that also ask for entropy or a digit: a token never begins within a run of its own characters. */
const WHOLE = { notAfter: `${ALPHANUMERIC}_-` } as const;
const EXACT = { notBefore: ALPHANUMERIC } as const;

const CLOUDS: readonly TokenRule[] = [
  row("aws-access-key", "akia asia abia acca", "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", EXACT),
  row("aws-session-token", "iqojb0jpz0lu fwogzxivyxdz", "(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9+/=%]{80,}"),
  row("aws-bedrock-key", "absk", "ABSK[A-Za-z0-9+/]{80,}"),
  row("aws-mws-key", "amzn.mws.", "amzn\\.mws\\.[0-9a-f-]{36}"),
  row("google-api-key", "aiza", "AIza[0-9A-Za-z_-]{35}", { notBefore: `${ALPHANUMERIC}_-` }),
  row("google-oauth-token", "ya00.", "ya29\\.[0-9A-Za-z_.-]{20,}"),
  row("google-refresh-token", "0//0", "1//0[0-9A-Za-z_-]{30,}"),
  row("google-client-secret", "gocspx-", "GOCSPX-[0-9A-Za-z_-]{24,}"),
  row("azure-client-secret", "0q~", "[0-9]Q~[0-9A-Za-z_~.-]{31,40}", { notAfter: "" }),
  row("azure-storage-key", "accountkey=", "(?i)accountkey=([a-z0-9+/=]{40,})"),
  row("azure-shared-key", "sharedaccesskey=", "(?i)sharedaccesskey=([a-z0-9+/=]{40,})"),
  row("azure-sas", "sig=", "(?i)sig=([a-z0-9%+/=_-]{40,})"),
  row("alibaba-key-id", "ltai", "LTAI[0-9A-Za-z]{17,24}", EXACT),
  row("digitalocean-token", "dop_v0_ doo_v0_ dor_v0_", "(?:dop|doo|dor)_v1_[0-9a-f]{64}"),
  row("cloudflare-token", "cfut_ cfat_ cfk_", "(?:cfut_|cfat_|cfk_)[0-9A-Za-z_-]{40,}"),
  row("cloudflare-origin-key", "v0.0-", "v1\\.0-[0-9a-f]{24}-[0-9a-f]{100,}"),
  row("heroku-key", "hrku-", "HRKU-[0-9A-Za-z_-]{36,}"),
  row("flyio-token", "fm0_ fm0r_ fm0a_ fo0_", "(?:fm1_|fm2_|fm1r_|fm1a_|fo1_)[0-9A-Za-z+/=,_-]{40,}"),
  row("netlify-token", "nfp_", "nfp_[0-9A-Za-z]{36,}"),
  row("render-key", "rnd_", "rnd_[0-9A-Za-z]{26,}"),
  row("planetscale-token", "pscale_", "pscale_(?:tkn|pw|oauth)_[0-9A-Za-z_.=-]{30,}"),
  row("supabase-token", "sbp_ sb_secret_", "(?:sbp_|sb_secret_)[0-9A-Za-z_-]{30,}"),
  row("neon-key", "napi_", "napi_[0-9a-z]{40,}"),
  row("databricks-token", "dapi", "dapi[0-9a-f]{32}", EXACT),
  row("openshift-token", "sha000~", "sha256~[0-9A-Za-z_-]{43}"),
  row("tailscale-key", "tskey-", "tskey-[a-z]{2,12}-[0-9A-Za-z-]{12,}"),
];

const CODE: readonly TokenRule[] = [
  row("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", "gh[pousr]_[0-9A-Za-z]{36,}"),
  row("github-fine-grained-token", "github_pat_", "github_pat_[0-9A-Za-z_]{36,}"),
  row(
    "gitlab-token",
    "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glsoat- glimt- glagent- glffct- glwt-",
    "gl(?:pat|dt|rtr|rt|cbt|ptt|ft|soat|imt|agent|ffct|wt)-[0-9A-Za-z_.-]{20,}",
  ),
  row("gitlab-runner-token", "gr0000000", "GR1348941[0-9A-Za-z_-]{20,}"),
  row("bitbucket-token", "atbb", "ATBB[0-9A-Za-z=_-]{28,}"),
  row("atlassian-token", "atatt0 atctt0", "AT(?:ATT|CTT)3[0-9A-Za-z_=-]{60,}"),
  row("npm-token", "npm_", "npm_[0-9A-Za-z]{36,}"),
  row("pypi-token", "pypi-age", "pypi-AgE[0-9A-Za-z_-]{50,}"),
  row("rubygems-key", "rubygems_", "rubygems_[0-9a-f]{48}"),
  row("crates-token", "cio", "cio[0-9A-Za-z]{32}", EXACT),
  row("nuget-key", "oy0", "oy2[a-z0-9]{43}", EXACT),
  row("clojars-token", "clojars_", "CLOJARS_[0-9a-z]{60}"),
  row("docker-token", "dckr_pat_ dckr_oat_", "dckr_[po]at_[0-9A-Za-z_-]{27,}"),
  row("artifactory-token", "akcp", "AKCp[0-9A-Za-z]{60,}"),
  row("jfrog-reference-token", "cmvmdgtu", "cmVmdGtu[0-9A-Za-z]{48,}"),
  row("sonar-token", "sqp_ squ_ sqa_", "sq[pua]_[0-9a-f]{40}"),
  row("buildkite-token", "bkua_ bkct_", "bk(?:ua|ct)_[0-9a-z]{40}"),
  row("circleci-token", "ccipat_ ccipprj_", "CCIP(?:AT|PRJ)_[0-9A-Za-z_]{40,}"),
  row("pulumi-token", "pul-", "pul-[0-9a-f]{40}"),
  row("terraform-token", ".atlasv0.", "\\.atlasv1\\.[0-9A-Za-z_=-]{60,}", { notAfter: "" }),
  row("vault-token", "hvs. hvb. hvr.", "hv[sbr]\\.[0-9A-Za-z_-]{24,}"),
  row(
    "doppler-token",
    "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.",
    "dp\\.(?:pt|st|ct|sa|scim|audit)\\.[0-9A-Za-z_.-]{40,}",
  ),
  row("onepassword-token", "ops_eyj", "ops_eyJ[0-9A-Za-z+/=_-]{100,}"),
  row("postman-key", "pmak-", "PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
  row("figma-token", "figd_", "figd_[0-9A-Za-z_-]{38,}"),
  row("linear-key", "lin_api_ lin_oauth_", "lin_(?:api|oauth)_[0-9A-Za-z]{32,}"),
  row("notion-token", "ntn_", "ntn_[0-9A-Za-z]{40,}"),
  row("contentful-token", "cfpat-", "CFPAT-[0-9A-Za-z_-]{43,}"),
  row("launchdarkly-key", "sdk-", "sdk-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
];

const WATCHING: readonly TokenRule[] = [
  row("sentry-token", "sntrys_ sntryu_", "sntry[su]_[0-9A-Za-z+/=_-]{60,}"),
  row("newrelic-key", "nrak- nrra- nrii-", "NR(?:AK|RA|II)-[0-9A-Za-z_-]{27,}"),
  row("newrelic-browser-key", "nrjs-", "NRJS-[0-9a-f]{19}"),
  row("grafana-token", "glsa_ glc_", "gl(?:sa|c)_[0-9A-Za-z+/=_]{32,}"),
  row("grafana-api-key", "eyjrijoi", "eyJrIjoi[0-9A-Za-z+/=_-]{40,}"),
  row("dynatrace-token", "dt0c00. dt0s00.", "dt0[cs][0-9]{2}\\.[0-9A-Z]{24}\\.[0-9A-Z]{64}"),
  row("posthog-key", "phx_", "phx_[0-9A-Za-z_-]{40,}"),
];

const MODELS: readonly TokenRule[] = [
  row("anthropic-key", "sk-ant-", "sk-ant-[0-9A-Za-z_-]{24,}"),
  row("openai-key", "sk-proj- sk-svcacct- sk-admin- sess-", "(?:sk-proj|sk-svcacct|sk-admin|sess)-[0-9A-Za-z_-]{40,}"),
  // OpenAI's first form, and those of all who offer the same interface.
  row("sk-key", "sk-", "sk-[0-9A-Za-z_-]{20,}", {
    ...WHOLE,
    digit: true,
    entropy: 3.4,
    others: ["sk-(?:ant|proj|svcacct|admin)-"],
  }),
  row("huggingface-token", "hf_", "hf_[0-9A-Za-z]{34,}"),
  row("replicate-token", "r0_", "r8_[0-9A-Za-z]{37,}"),
  row("groq-key", "gsk_", "gsk_[0-9A-Za-z]{48,}"),
  row("xai-key", "xai-", "xai-[0-9A-Za-z]{60,}"),
  row("perplexity-key", "pplx-", "pplx-[0-9A-Za-z]{40,}"),
  row("nvidia-key", "nvapi-", "nvapi-[0-9A-Za-z_-]{60,}"),
  row("langsmith-key", "lsv0_pt_ lsv0_sk_", "lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
  row("pinecone-key", "pcsk_", "pcsk_[0-9A-Za-z_]{50,}"),
];

const TALKING: readonly TokenRule[] = [
  row("slack-token", "xoxa- xoxb- xoxc- xoxe- xoxo- xoxp- xoxr- xoxs-", "xox[abceoprs]-[0-9A-Za-z-]{16,}", {
    ...WHOLE,
    digit: true,
  }),
  row("slack-token", "xoxd-", "xoxd-[0-9A-Za-z%_./+-]{40,}"),
  row("slack-token", "xoxe.", "xoxe\\.xox[bp]-[0-9A-Za-z-]{16,}"),
  row("slack-app-token", "xapp-", "xapp-[0-9]-[0-9A-Za-z]{6,20}-[0-9]{6,20}-[0-9a-f]{32,}"),
  row("slack-webhook", "hooks.slack.com/", "hooks\\.slack\\.com/(?:services|workflows|triggers)/([0-9A-Za-z/_-]{20,})"),
  row(
    "discord-webhook",
    "discord.com/api/webhooks/ discordapp.com/api/webhooks/",
    "(?:discord|discordapp)\\.com/api/webhooks/[0-9]{15,22}/([0-9A-Za-z_-]{50,})",
  ),
  row("telegram-token", "0:aa", "[0-9]:(AA[0-9A-Za-z_-]{32,36})", { notAfter: "", entropy: 3 }),
  row("twilio-key", "sk0 ska skb skc skd ske skf", "SK[0-9a-f]{32}", EXACT),
  row("sendgrid-key", "sg.", "SG\\.[0-9A-Za-z_-]{16,32}\\.[0-9A-Za-z_-]{16,}"),
  row("mailgun-key", "key-", "key-[0-9a-f]{32}", EXACT),
  row("brevo-key", "xkeysib- xsmtpsib-", "x(?:keysib|smtpsib)-[0-9a-f]{64}-[0-9A-Za-z]{16}"),
  row("typeform-token", "tfp_", "tfp_[0-9A-Za-z_.-]{40,}"),
];

const PAYING: readonly TokenRule[] = [
  row("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ sk_org_ rk_org_", "[sr]k_(?:live|test|org)_[0-9A-Za-z_]{16,}"),
  row("webhook-secret", "whsec_", "whsec_[0-9A-Za-z+/=]{24,}"),
  row("shopify-token", "shpat_ shpca_ shppa_ shpss_ shptka_", "shp(?:at|ca|pa|ss|tka)_[0-9A-Fa-f]{32}"),
  row("square-token", "sq0atp- sq0csp- sq0idp-", "sq0(?:atp|csp|idp)-[0-9A-Za-z_-]{22,}"),
  row("square-access-token", "eaaa", "EAAA[0-9A-Za-z+=_-]{56,}"),
  row("facebook-token", "eaac eaam", "EAA[CM][0-9A-Za-z]{80,}"),
  row("paypal-token", "access_token$", "access_token\\$(?:production|sandbox)\\$[0-9a-z]{16}\\$[0-9a-f]{32}"),
  row("flutterwave-key", "flwseck", "FLWSECK(?:_TEST|_LIVE|)-[0-9A-Za-z]{12,}"),
  row("duffel-token", "duffel_live_ duffel_test_", "duffel_(?:live|test)_[0-9A-Za-z_=-]{40,}"),
  row("shippo-token", "shippo_live_ shippo_test_", "shippo_(?:live|test)_[0-9a-f]{40}"),
  row("easypost-key", "ezak ezt", "EZ(?:AK|TK)[0-9A-Za-z]{54}", EXACT),
  row("elevenlabs-key", "sk_", "sk_[0-9a-f]{48}", EXACT),
];

export const PROVIDER_TOKENS: readonly TokenRule[] = [
  ...CLOUDS,
  ...CODE,
  ...WATCHING,
  ...MODELS,
  ...TALKING,
  ...PAYING,
];
