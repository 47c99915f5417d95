/** The views that may be asked, with their columns; a click puts a name into the statement. */

import { ScrollArea, TextInput, Tooltip } from "@mantine/core";
import { IconChevronRight, IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import classes from "./Sql.module.css";

export interface View {
  name: string;
  description: string;
  columns: readonly { name: string; type: string }[];
}

export function Views({ views, onPick }: { views: readonly View[]; onPick: (name: string) => void }) {
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const wanted = search.trim().toLowerCase();
  const found = views.flatMap((view) => {
    const isNamed = view.name.includes(wanted);
    const columns = isNamed ? view.columns : view.columns.filter(({ name }) => name.toLowerCase().includes(wanted));
    return isNamed || columns.length > 0 ? [{ ...view, columns }] : [];
  });
  const toggle = (name: string): void => {
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(name)) after.add(name);
      return after;
    });
  };
  return (
    <>
      <TextInput
        size="xs"
        aria-label="Search views and columns"
        placeholder="Search views and columns"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={search}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
        }}
        className={classes["search"]}
      />
      <ScrollArea.Autosize mah="calc(100vh - 210px)" type="auto" scrollbars="y" className={classes["tree"]}>
        <ul className={classes["views"]} aria-label="Views">
          {found.map(({ name, description, columns }) => {
            const isOpen = open.has(name) || (wanted !== "" && !name.includes(wanted));
            return (
              <li key={name}>
                <div className={classes["view"]}>
                  <button
                    type="button"
                    className={classes["fold"]}
                    aria-expanded={isOpen}
                    aria-label={`Columns of ${name}`}
                    onClick={() => {
                      toggle(name);
                    }}
                  >
                    <IconChevronRight size={14} aria-hidden />
                  </button>
                  <Tooltip label={description} multiline maw={340} position="right" openDelay={400}>
                    <button
                      type="button"
                      className={classes["name"]}
                      onClick={() => {
                        onPick(name);
                      }}
                    >
                      <span className="cut">{name}</span>
                    </button>
                  </Tooltip>
                </div>
                {isOpen && (
                  <ul className={classes["columns"]} aria-label={`Columns of ${name}`}>
                    {columns.map((column) => (
                      <li key={column.name}>
                        <button
                          type="button"
                          className={classes["column"]}
                          onClick={() => {
                            onPick(column.name);
                          }}
                        >
                          <span className="cut">{column.name}</span>
                          <span className={classes["type"]}>
                            {column.type.toLowerCase().replace(" with time zone", "tz")}
                          </span>
                        </button>
                      </li>
                    ))}
                  </ul>
                )}
              </li>
            );
          })}
        </ul>
      </ScrollArea.Autosize>
    </>
  );
}
