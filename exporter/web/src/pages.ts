/** All pages: where each is, what it is called, the key that leads there (after `g`), and its code, loaded when needed. */

import {
  IconActivityHeartbeat,
  IconAlertTriangle,
  IconChartLine,
  IconCoin,
  IconDatabaseSearch,
  IconFileText,
  IconLayoutDashboard,
  IconMessages,
  IconMicrophone,
  IconRoute,
  IconSitemap,
  IconSparkles,
  type Icon,
} from "@tabler/icons-react";
import { type ComponentType, lazy } from "react";

export interface PageEntry {
  path: string;
  title: string;
  key: string;
  icon: Icon;
  group: string;
  view: ComponentType;
}

interface Module {
  default: ComponentType;
  /** Asks what the page will ask when it is drawn; that takes a while. */
  ahead?: () => Promise<unknown>;
}

/** The page that is asked for comes while it is found out who asks. */
export let here: Promise<Module> | null = null;

const page = (
  path: string,
  title: string,
  key: string,
  icon: Icon,
  group: string,
  load: () => Promise<Module>,
): PageEntry => {
  const loaded = location.pathname === path || location.pathname.startsWith(`${path}/`) ? load() : null;
  here ??= loaded;
  return { path, title, key, icon, group, view: lazy(() => loaded ?? load()) };
};

export const PAGES: readonly PageEntry[] = [
  page("/", "Overview", "o", IconLayoutDashboard, "", () => import("./pages/overview")),
  page("/calls", "LLM calls", "c", IconSparkles, "Applications", () => import("./pages/calls")),
  page("/runs", "Agents & workflows", "w", IconSitemap, "Applications", () => import("./pages/runs")),
  page("/conversations", "Conversations", "n", IconMessages, "Applications", () => import("./pages/conversations")),
  page("/voice", "Voice", "v", IconMicrophone, "Applications", () => import("./pages/voice")),
  page("/traces", "Traces", "t", IconRoute, "Telemetry", () => import("./pages/traces")),
  page("/logs", "Logs", "l", IconFileText, "Telemetry", () => import("./pages/logs")),
  page("/explore", "Metrics", "m", IconChartLine, "Telemetry", () => import("./pages/metrics")),
  page("/sql", "SQL", "s", IconDatabaseSearch, "Telemetry", () => import("./pages/sql")),
  page("/costs", "Costs & budgets", "b", IconCoin, "Watching", () => import("./pages/costs")),
  page("/alerts", "Alerts", "a", IconAlertTriangle, "Watching", () => import("./pages/alerts")),
  page("/health", "Health", "h", IconActivityHeartbeat, "Watching", () => import("./pages/health")),
];
