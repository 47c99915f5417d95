/** Asks who does something about an alert, and why. */

import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";

import { Refused } from "../../core/client";
import { Failure } from "../../core/ui/Failure";
import { type Act, act, useName } from "./acts";
import type { Alert } from "./asked";

const WORDS: Record<Act, readonly [string, string, string]> = {
  acknowledge: ["Acknowledge", "Acknowledge it", "It is told no more until it ends or gets worse."],
  resolve: [
    "Resolve",
    "Resolve it",
    "It ends now. Where what it is about goes on, the next evaluation begins another.",
  ],
  silence: ["Silence", "Silence it", "Nobody is told of it, and of those that follow it there, for a while."],
};
export const DURATIONS = ["30m", "1h", "4h", "12h", "1d", "7d"];

export function ActForm(props: { what: Act | null; alert: Alert; onClose: () => void; onDone: () => void }) {
  const { what, alert, onClose, onDone } = props;
  return (
    <Modal opened={what !== null} onClose={onClose} title={what === null ? "" : `${WORDS[what][0]} ${alert.rule}`}>
      {what !== null && <Form key={what} what={what} alert={alert} onDone={onDone} />}
    </Modal>
  );
}

function Form({ what, alert, onDone }: { what: Act; alert: Alert; onDone: () => void }) {
  const [known, remember] = useName();
  const [name, setName] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const [duration, setDuration] = useState("1h");
  const [error, setError] = useState<Refused | null>(null);
  const [isSending, setSending] = useState(false);
  const by = (name ?? known).trim();
  const [, button, meaning] = WORDS[what];
  const send = async (): Promise<void> => {
    setSending(true);
    try {
      await act(what, alert.episode, { by, note: note.trim(), duration });
      if (name !== null) remember(by);
      onDone();
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      setError(problem);
    } finally {
      setSending(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Stack gap="sm">
        <Text size="sm" className="quiet">
          {meaning}
        </Text>
        <TextInput
          label="Your name"
          required
          maxLength={200}
          value={name ?? known}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        {what === "silence" && (
          <Select
            label="For"
            data={DURATIONS}
            value={duration}
            allowDeselect={false}
            onChange={(value) => {
              setDuration(value ?? "1h");
            }}
          />
        )}
        {what !== "resolve" && (
          <TextInput
            label="Note"
            maxLength={1000}
            value={note}
            data-autofocus
            onChange={(event) => {
              setNote(event.currentTarget.value);
            }}
          />
        )}
        {error !== null && <Failure error={error} />}
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={isSending} disabled={by === ""}>
            {button}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
