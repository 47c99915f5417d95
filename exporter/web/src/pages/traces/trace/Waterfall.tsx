/** Tree, bars and overview of a trace, and what they are looked at with: search, folding, zoom. */

import { ActionIcon, Button, Switch, TextInput, Tooltip } from "@mantine/core";
import { IconFold, IconSearch, IconZoomIn, IconZoomOut, IconZoomReset, IconArrowsVertical } from "@tabler/icons-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { useKeys } from "../../../core/keys";
import { useParam } from "../../../core/url";
import classes from "./Detail.module.css";
import type { Drawn } from "./draw";
import { endOf, found, parentsOf, shownAt } from "./outline";
import { Overview } from "./Overview";
import { Tree } from "./Tree";
import { isWhole, moved, read, scaled, type Span, within, written } from "./zoom";

const CLOSER = 0.5;
const ASIDE = 0.25;
const SETTLED_MS = 180;
const NONE: ReadonlySet<string> = new Set();

export interface WaterfallProps {
  drawn: Drawn;
  totalNs: number;
  open: string | null;
  onOpen: (key: string) => void;
  isPathShown: boolean;
  onPath: (isShown: boolean) => void;
}

export function Waterfall({ drawn, totalNs, open, onOpen, isPathShown, onPath }: WaterfallProps) {
  const { outline, startNs, lastNs } = drawn;
  const [zoom, setZoom] = useParam("zoom");
  const [wanted, setWanted] = useParam("find");
  const [folded, setFolded] = useState(NONE);
  const [active, setActive] = useState(open);
  const input = useRef<HTMLInputElement>(null);
  const part = useMemo(() => read(zoom, totalNs), [zoom, totalNs]);
  const places = useMemo(() => found(outline.spans, wanted), [outline, wanted]);
  const foundSet = useMemo(() => new Set(places), [places]);

  const look = (next: Span): void => {
    setZoom(written(within(next, totalNs), totalNs));
  };
  const reach = useCallback(
    (key: string): void => {
      const place = outline.places.get(key);
      if (place !== undefined) setFolded((before) => shownAt(outline, before, place));
      setActive(key);
    },
    [outline],
  );
  const [before, setBefore] = useState(open);
  if (before !== open) {
    setBefore(open);
    if (open !== null && open !== active) reach(open);
  }
  // With a span open the keys lead from one to the next; the URL is written when they rest, as browsers ask for.
  useEffect(() => {
    if (open === null || active === null || active === open) return undefined;
    const timer = setTimeout(() => {
      onOpen(active);
    }, SETTLED_MS);
    return () => {
      clearTimeout(timer);
    };
    // oxlint-disable-next-line react/exhaustive-deps -- only a move opens another; closing does not
  }, [active]);

  const step = (by: 1 | -1): void => {
    const at = active === null ? -1 : (outline.places.get(active) ?? -1);
    const next =
      by > 0
        ? (places.find((place) => place > at) ?? places[0])
        : (places.findLast((place) => place < at) ?? places.at(-1));
    if (next !== undefined) reach(outline.keys[next] ?? "");
  };
  const fold = (key: string, isFolded: boolean): void => {
    setFolded((all) => {
      const after = new Set(all);
      if (isFolded) after.add(key);
      else after.delete(key);
      return after;
    });
    setActive(key);
  };
  const zoomTo = (place: number): void => {
    const span = outline.spans[place];
    if (span === undefined) return;
    const [fromNs, toNs] = [span.start_ns - startNs, endOf(span, lastNs) - startNs];
    const beside = Math.max((toNs - fromNs) * 0.05, 500);
    look({ fromNs: fromNs - beside, toNs: toNs + beside });
  };
  const keys = {
    "/": () => input.current?.focus(),
    "+": () => {
      look(scaled(part, CLOSER, totalNs));
    },
    "=": () => {
      look(scaled(part, CLOSER, totalNs));
    },
    "-": () => {
      look(scaled(part, 1 / CLOSER, totalNs));
    },
    "0": () => {
      setZoom("");
    },
    "[": () => {
      look(moved(part, -ASIDE, totalNs));
    },
    "]": () => {
      look(moved(part, ASIDE, totalNs));
    },
    n: () => {
      step(1);
    },
    N: () => {
      step(-1);
    },
  };
  useKeys(keys);
  const isAllFolded = folded.size > 0;
  const at = places.findIndex((place) => outline.keys[place] === active);

  return (
    <section className={`panel ${classes["waterfall"] ?? ""}`} aria-label="Waterfall">
      <div className={classes["tools"]}>
        <TextInput
          ref={input}
          size="xs"
          className={classes["search"] ?? ""}
          aria-label="Search in the trace"
          placeholder="Search in the trace"
          leftSection={<IconSearch size={14} aria-hidden />}
          rightSectionWidth={70}
          rightSection={
            wanted === "" ? null : (
              <span className="quiet" role="status">
                {places.length === 0 ? "none" : `${at < 0 ? "" : `${at + 1} of `}${places.length}`}
              </span>
            )
          }
          value={wanted}
          onChange={(event) => {
            setWanted(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <Button
          variant="default"
          size="xs"
          leftSection={isAllFolded ? <IconArrowsVertical size={14} aria-hidden /> : <IconFold size={14} aria-hidden />}
          onClick={() => {
            setFolded(isAllFolded ? NONE : parentsOf(outline));
          }}
        >
          {isAllFolded ? "Expand all" : "Collapse all"}
        </Button>
        <Switch
          size="xs"
          label="Critical path"
          checked={isPathShown}
          onChange={(event) => {
            onPath(event.currentTarget.checked);
          }}
        />
        <span className={classes["spacer"]} />
        <ActionIcon.Group>
          <Zoom
            label="Further away (-)"
            icon={<IconZoomOut size={15} aria-hidden />}
            isOff={isWhole(part, totalNs)}
            act={keys["-"]}
          />
          <Zoom
            label="The whole trace (0)"
            icon={<IconZoomReset size={15} aria-hidden />}
            isOff={isWhole(part, totalNs)}
            act={keys["0"]}
          />
          <Zoom label="Closer (+)" icon={<IconZoomIn size={15} aria-hidden />} isOff={false} act={keys["+"]} />
        </ActionIcon.Group>
      </div>
      <Overview drawn={drawn} part={part} totalNs={totalNs} onZoom={look} />
      <Tree
        label="Spans"
        drawn={drawn}
        folded={folded}
        onFold={fold}
        active={active}
        onActive={setActive}
        open={open}
        onOpen={(key) => {
          setActive(key);
          onOpen(key);
        }}
        onZoomTo={zoomTo}
        part={part}
        found={foundSet}
        isPathShown={isPathShown}
      />
    </section>
  );
}

function Zoom({ label, icon, isOff, act }: { label: string; icon: React.ReactNode; isOff: boolean; act: () => void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size={30} aria-label={label} disabled={isOff} onClick={act}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}
