/** Silences: what nobody is told of, and until when. */

import { Button, Group, Modal, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";

import { useAsk } from "../../core/ask";
import { api, type Schemas, taken } from "../../core/client";
import { clock, duration, harmless } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import { useMayChange, useSaid, useSending } from "./acts";

type Silence = Schemas["Hushed"];

export function Silences({ nowNs }: { nowNs: number }) {
  const { data, error, again } = useAsk(
    "/api/silences",
    { query: { coming: true } },
    { follow: ["alerts"], everyMs: 10_000 },
  );
  const [isOpen, form] = useDisclosure();
  const { refused, send } = useSending();
  const mayChange = useMayChange();
  const lift = async (id: string): Promise<void> => {
    await send(async () => taken(await api.DELETE("/api/silences/{silence}", { params: { path: { silence: id } } })));
    again();
  };
  if (error !== null && data === undefined) return <Failure error={error} again={again} />;
  return (
    <Panel
      flush
      title="Silences"
      actions={
        mayChange && (
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={form.open}>
            New silence
          </Button>
        )
      }
    >
      {refused !== null && <Failure error={refused} />}
      <Table<Silence>
        label="Silences"
        columns={columns(nowNs, mayChange ? (id) => void lift(id) : null)}
        rows={data}
        rowKey={({ id }) => id}
        empty={
          <Empty title="Nothing is silenced" snippet="ax monitor alerts silence --match team=chat --for 2h">
            A silence lets nobody be told, for a while, of what fulfils all its matchers.
          </Empty>
        }
      />
      <Modal opened={isOpen} onClose={form.close} title="New silence">
        <Form
          onDone={() => {
            form.close();
            again();
          }}
        />
      </Modal>
    </Panel>
  );
}

const columns = (nowNs: number, onLift: ((id: string) => void) | null): Column<Silence>[] => [
  {
    key: "matchers",
    title: "What",
    cell: ({ matchers }) => (
      <span className="mono" title={harmless(matchers.join(" and "))}>
        {harmless(matchers.join(" and "))}
      </span>
    ),
  },
  { key: "by", title: "By", width: "130px", from: 480, cell: ({ by }) => harmless(by), sort: ({ by }) => by },
  {
    key: "note",
    title: "Note",
    width: "26%",
    from: 768,
    cell: ({ note }) => <span title={harmless(note)}>{harmless(note)}</span>,
  },
  {
    key: "ends",
    title: "Ends in",
    width: "120px",
    align: "right",
    cell: ({ starts_at, ends_at }) => (
      <span title={`${clock(starts_at)} – ${clock(ends_at)}`}>{duration(Math.max(ends_at - nowNs, 0))}</span>
    ),
    sort: ({ ends_at }) => ends_at,
  },
  ...(onLift === null
    ? []
    : [
        {
          key: "lift",
          title: "",
          width: "76px",
          align: "right" as const,
          cell: ({ id, matchers }: Silence) => (
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`End the silence of ${matchers.join(" and ")}`}
              onClick={() => {
                onLift(id);
              }}
            >
              End
            </Button>
          ),
        },
      ]),
];

function Form({ onDone }: { onDone: () => void }) {
  const { said, keep, ...inputs } = useSaid();
  const { refused, send } = useSending();
  const [matchers, setMatchers] = useState<string[]>([]);
  const [rest, setRest] = useState("");
  const all = [...matchers, rest.trim()].filter((one) => one !== "");
  const { by, note, duration: length } = said;
  const isOfMatchers = refused?.problem.field?.startsWith("matchers") ?? false;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send(async () => {
          taken(await api.POST("/api/silences", { body: { by, note, for: length, matchers: all } }));
          keep();
          onDone();
        });
      }}
    >
      <Stack gap="sm">
        <TagsInput
          label="Matchers"
          description="All must hold: team=chat, model=gpt-*, alert=Slow*, severity!=info"
          placeholder={matchers.length === 0 ? "alert=Slow*" : ""}
          value={matchers}
          onChange={setMatchers}
          searchValue={rest}
          onSearchChange={setRest}
          maxTags={20}
          splitChars={[]}
          error={isOfMatchers && refused !== null ? `${refused.problem.title}: ${refused.problem.mend}` : undefined}
        />
        <Group grow>
          <Select {...inputs.duration} />
          <TextInput {...inputs.name} />
        </Group>
        <TextInput {...inputs.note} />
        {refused !== null && !isOfMatchers && <Failure error={refused} />}
        <Group justify="space-between">
          <Text size="xs" className="quiet">
            A value may have * for any text.
          </Text>
          <Button type="submit" size="sm" disabled={by === "" || all.length === 0}>
            Silence
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
