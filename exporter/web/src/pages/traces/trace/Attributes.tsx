/** Names and values of a span, its resource or its scope: sought, copied, the long ones opened. */

import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { harmless } from "../../../core/format";
import { ShowAll } from "../../../core/ui/ShowAll";
import { Copy } from "../../../core/ui/Snippet";
import classes from "./Pane.module.css";
import { type Attributes as All, matching } from "./whole";

const FEW = 6;
const LONG = 240;

export function Attributes({ title, attributes }: { title: string; attributes: All }) {
  const [wanted, setWanted] = useState("");
  const all = Object.keys(attributes).length;
  const shown = matching(attributes, wanted);
  if (all === 0) return <p className={classes["none"]}>{title}: none.</p>;
  return (
    <section className={classes["part"]} aria-label={title}>
      <div className={classes["partHead"]}>
        <h3>
          {title} <span className="quiet">{wanted === "" ? all : `${shown.length} of ${all}`}</span>
        </h3>
        {all > FEW && (
          <TextInput
            size="xs"
            w={190}
            aria-label={`Search in ${title.toLowerCase()}`}
            placeholder="Search"
            leftSection={<IconSearch size={13} aria-hidden />}
            value={wanted}
            onChange={(event) => {
              setWanted(event.currentTarget.value);
            }}
          />
        )}
      </div>
      <dl className={classes["pairs"]}>
        {shown.map(([key, value]) => (
          <Pair key={key} name={key} value={value} />
        ))}
      </dl>
    </section>
  );
}

function Pair({ name, value }: { name: string; value: string }) {
  const [isWhole, setWhole] = useState(false);
  const text = harmless(value);
  const isLong = text.length > LONG;
  return (
    <div className={classes["pair"]}>
      <dt className="mono" title={harmless(name)}>
        {harmless(name)}
      </dt>
      <dd className="mono">
        <span className={classes["value"]}>{isLong && !isWhole ? `${text.slice(0, LONG)}…` : text || "(empty)"}</span>
        {isLong && <ShowAll text={text} isWhole={isWhole} onWhole={setWhole} />}
      </dd>
      <dd className={classes["copy"]}>
        <Copy text={value} label={`Copy ${harmless(name)}`} />
      </dd>
    </div>
  );
}
