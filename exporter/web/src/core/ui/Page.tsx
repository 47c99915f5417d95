/** A page's head and its parts. */

import { Group, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";

import classes from "./Page.module.css";

/** `title` is its only h1; `actions` stand at its right; `filters` below. */
export function Page({
  title,
  actions,
  filters,
  children,
}: {
  title: ReactNode;
  actions?: ReactNode;
  filters?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Stack gap="md" className={classes["page"]}>
      <Group justify="space-between" gap="sm" mih={30}>
        <Title order={1}>{title}</Title>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {filters}
      {children}
    </Stack>
  );
}

/** A title that tells where its page belongs; `children` is its own name, and its state. */
export function Trail({ href, name, children }: { href: string; name: string; children: ReactNode }) {
  return (
    <Group gap="sm" component="span">
      <Link href={href} className="quiet">
        {name}
      </Link>
      <span className="quiet">/</span>
      {children}
    </Group>
  );
}

/** A part with a heading. `flush` lets a table reach the edges. */
export function Panel({
  title,
  actions,
  flush = false,
  children,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  flush?: boolean;
  children: ReactNode;
}) {
  return (
    <section className={`panel ${classes["panel"] ?? ""}`} data-flush={flush || undefined}>
      {title !== undefined && (
        <header className={classes["head"]}>
          <Title order={2}>{title}</Title>
          {actions !== undefined && <Group gap="xs">{actions}</Group>}
        </header>
      )}
      {children}
    </section>
  );
}

/** As many columns as fit; `min` is the least width of one, in pixels. */
export function Columns({ min = 340, children }: { min?: number; children: ReactNode }) {
  return (
    <div className={classes["columns"]} style={{ "--least": `${min}px` } as React.CSSProperties}>
      {children}
    </div>
  );
}
