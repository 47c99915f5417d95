/** Asks who does something about an alert, and why. */

import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";

import { Failure } from "../../core/ui/Failure";
import { type Act, act, useSaid, useSending } from "./acts";
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

export function ActForm(props: { what: Act | null; alert: Alert; onClose: () => void; onDone: () => void }) {
  const { what, alert, onClose, onDone } = props;
  return (
    <Modal opened={what !== null} onClose={onClose} title={what === null ? "" : `${WORDS[what][0]} ${alert.rule}`}>
      {what !== null && <Form key={what} what={what} alert={alert} onDone={onDone} />}
    </Modal>
  );
}

function Form({ what, alert, onDone }: { what: Act; alert: Alert; onDone: () => void }) {
  const { said, keep, ...inputs } = useSaid();
  const { refused, isSending, send } = useSending();
  const [, button, meaning] = WORDS[what];
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send(async () => {
          await act(what, alert.episode, said);
          keep();
          onDone();
        });
      }}
    >
      <Stack gap="sm">
        <Text size="sm" className="quiet">
          {meaning}
        </Text>
        <TextInput {...inputs.name} />
        {what === "silence" && <Select {...inputs.duration} />}
        {what !== "resolve" && <TextInput {...inputs.note} data-autofocus />}
        {refused !== null && <Failure error={refused} />}
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={isSending} disabled={said.by === ""}>
            {button}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
