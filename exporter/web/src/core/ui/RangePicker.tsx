/** The time that the page looks at: one that ends now, or two times. */

import { Button, Divider, Popover, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconCalendarTime, IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";

import { type Range, RANGES, useRange } from "../url";

export function RangePicker() {
  const range = useRange();
  const [isOpen, { toggle, close }] = useDisclosure();
  return (
    <Popover opened={isOpen} onChange={close} position="bottom-end" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          size="xs"
          onClick={toggle}
          leftSection={<IconCalendarTime size={15} aria-hidden />}
          rightSection={<IconChevronDown size={13} aria-hidden />}
          aria-label={`Time range: ${range.label}`}
          aria-haspopup="dialog"
          aria-expanded={isOpen}
        >
          {range.label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Time range">
        <Stack gap="sm" w={250}>
          <SimpleGrid cols={3} spacing={6} verticalSpacing={6}>
            {RANGES.map((one) => (
              <Button
                key={one}
                size="xs"
                variant={range.isRelative && range.label === `last ${one}` ? "filled" : "default"}
                onClick={() => {
                  range.setRelative(one);
                  close();
                }}
              >
                {one}
              </Button>
            ))}
          </SimpleGrid>
          <Divider label="or from … to" />
          <Absolute range={range} onDone={close} />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function Absolute({ range, onDone }: { range: Range; onDone: () => void }) {
  const [[from, to], setTimes] = useState(() => timesOf(range));
  const setFrom = (value: string): void => {
    setTimes([value, to]);
  };
  const setTo = (value: string): void => {
    setTimes([from, value]);
  };
  const isRight = Date.parse(from) < Date.parse(to);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!isRight) return;
        range.zoom(Date.parse(from) * 1e6, Date.parse(to) * 1e6);
        onDone();
      }}
    >
      <Stack gap="xs">
        <TextInput
          type="datetime-local"
          step={1}
          size="xs"
          label="From"
          value={from}
          onChange={(event) => {
            setFrom(event.currentTarget.value);
          }}
        />
        <TextInput
          type="datetime-local"
          step={1}
          size="xs"
          label="To"
          value={to}
          onChange={(event) => {
            setTo(event.currentTarget.value);
          }}
          error={isRight ? undefined : "ends before it begins"}
        />
        <Button type="submit" size="xs" disabled={!isRight}>
          Show
        </Button>
      </Stack>
    </form>
  );
}

function timesOf(range: Range): [string, string] {
  if ("start" in range.query) return [local(Date.parse(range.query.start)), local(Date.parse(range.query.end))];
  const now = Date.now();
  return [local(now - range.ns / 1e6), local(now)];
}

/** As `datetime-local` has it: the person's zone, to the second. */
function local(ms: number): string {
  const shifted = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}
