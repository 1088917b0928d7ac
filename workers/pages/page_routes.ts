// All pages of the console. What is not here does not exist there.

import { HOME } from "./home.tsx";
import { LOGOUT_ROUTES } from "./logout.tsx";
import type { PageRoute } from "./page_route.ts";

export const PAGES: readonly PageRoute[] = [HOME, ...LOGOUT_ROUTES];
