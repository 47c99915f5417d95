/** Around every page: where one can go, the time that is looked at, and whether it follows. */

import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  ScrollArea,
  Text,
  Tooltip,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKeyboard, IconLogout, IconMoon, IconSun, IconUser } from "@tabler/icons-react";
import { Fragment, type ReactNode, useEffect } from "react";
import { Link, useLocation, useSearchParams } from "wouter";

import { PAGES } from "../../pages";
import { questions, useAsk } from "../ask";
import { api, type Schemas } from "../client";
import { useKeys } from "../keys";
import { withRange } from "../url";
import { Follow } from "./Follow";
import { Keys } from "./Keys";
import { RangePicker } from "./RangePicker";
import classes from "./Shell.module.css";

export function Shell({ asker, children }: { asker: Schemas["Asker"] | undefined; children: ReactNode }) {
  const [isOpen, menu] = useDisclosure();
  const [isHelping, help] = useDisclosure();
  const [path, go] = useLocation();
  const [parameters] = useSearchParams();
  const scheme = useMantineColorScheme();
  const here = PAGES.find((page) => isWithin(path, page.path));

  const firing = useFiring();
  useEffect(() => {
    const title = here === undefined ? "otel-ax" : `${here.title} · otel-ax`;
    document.title = firing === 0 ? title : `(${firing}) ${title}`;
  }, [here, firing]);
  useKeys({
    "?": help.toggle,
    ...Object.fromEntries(
      PAGES.map((page) => [
        `g ${page.key}`,
        () => {
          go(withRange(page.path, parameters));
        },
      ]),
    ),
  });

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 212, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding={{ base: "sm", sm: "md" }}
    >
      <a href="#content" className={classes["skip"]}>
        Skip to content
      </a>
      <AppShell.Header className={classes["header"]}>
        <Group gap="sm" wrap="nowrap" miw={0}>
          <Burger
            opened={isOpen}
            onClick={menu.toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label="Pages"
            aria-expanded={isOpen}
          />
          <Link href={withRange("/", parameters)} className={classes["logo"]} aria-label="otel-ax, overview">
            <img src="/icon.svg" width={24} height={24} alt="" />
            <Text span fw={650} visibleFrom="sm">
              otel-ax
            </Text>
          </Link>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <Follow />
          <RangePicker />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes["navbar"]} aria-label="Pages">
        <AppShell.Section grow component={ScrollArea} type="auto">
          {PAGES.map((page, at) => (
            <Fragment key={page.path}>
              {page.group !== PAGES[at - 1]?.group && page.group !== "" && (
                <Text size="xs" fw={600} className={classes["group"]}>
                  {page.group}
                </Text>
              )}
              <NavLink
                component={Link}
                href={withRange(page.path, parameters)}
                active={page === here}
                {...(page === here ? { "aria-current": "page" as const } : {})}
                label={page.title}
                leftSection={<page.icon size={17} stroke={1.6} aria-hidden />}
                rightSection={page.path === "/alerts" && firing > 0 && <Firing alerts={firing} />}
                className={classes["link"]}
                onClick={menu.close}
              />
            </Fragment>
          ))}
        </AppShell.Section>
        <AppShell.Section className={classes["foot"]}>
          <Tooltip label={scheme.colorScheme === "dark" ? "Light colours" : "Dark colours"}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Switch between light and dark"
              onClick={scheme.toggleColorScheme}
            >
              <IconSun size={18} className={classes["inDark"]} aria-hidden />
              <IconMoon size={18} className={classes["inLight"]} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Keys (?)">
            <ActionIcon variant="subtle" color="gray" aria-label="Keys" onClick={help.open}>
              <IconKeyboard size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
          {asker !== undefined && <Asker asker={asker} />}
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes["main"]}>
        {children}
      </AppShell.Main>
      <Keys opened={isHelping} onClose={help.close} />
    </AppShell>
  );
}

/** How many alerts fire now, on whichever page one is. */
function useFiring(): number {
  const { data } = useAsk("/api/alerts/stats", {}, { follow: ["alerts"] });
  const counts = data?.counts.filter(({ state }) => state === "firing") ?? [];
  return counts.reduce((sum, { alerts }) => sum + alerts, 0);
}

/** For eyes: who hears the page has the number in its title. */
const Firing = ({ alerts }: { alerts: number }) => (
  <span className={classes["firing"]} title={`${alerts} firing`} aria-hidden>
    {alerts}
  </span>
);

function Asker({ asker }: { asker: Schemas["Asker"] }) {
  const leave = async (): Promise<void> => {
    await api.DELETE("/api/session");
    questions.clear();
    location.reload();
  };
  return (
    <Menu position="top-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Logged in as ${asker.name}`}>
          <IconUser size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {asker.name}
          {asker.tenant ? ` · tenant ${asker.tenant}` : ""} · {asker.scopes.join(", ")}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void leave()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const isWithin = (path: string, page: string): boolean =>
  path === page || (page !== "/" && path.startsWith(`${page}/`));
