/** What went wrong, and the mend, as the server says it. */

import { Alert, Button, Group } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";

import { Refused } from "../client";

export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  const [title, mend] =
    error instanceof Refused ? [error.problem.title, error.problem.mend] : ["this page failed", String(error)];
  return (
    <Alert color="red" icon={<IconAlertCircle aria-hidden />} title={title} role="alert">
      <Group justify="space-between">
        <span>{mend}</span>
        {again !== undefined && (
          <Button size="xs" variant="default" onClick={again}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}
